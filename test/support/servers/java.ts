import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "./install.ts";

/** A server that comes as Java archives from Maven Central. */
export interface JavaServer {
  /** Names the folder in which the archives are kept. */
  readonly name: string;
  /** `group:artifact:version` each. */
  readonly artifacts: readonly string[];
  /** The environment variable that names a server to use instead. */
  readonly variable: string;
}

const kept = join(import.meta.dirname, "../../../node_modules/.cache/sluice-test-servers");

/** Why such a server cannot be had here; `null` when it can, its archives being here, which the first time takes a minute. */
export async function whyNoJavaServer(server: JavaServer): Promise<string | null> {
  const { name, variable } = server;
  if (process.env[variable] !== undefined) return null;
  const absent = ["java", "mvn"].filter((program) => !isInPath(program));
  const needed = existsSync(join(kept, name)) ? absent.filter((one) => one === "java") : absent;
  if (needed.length > 0)
    return `${name} needs ${needed.join(" and ")}, not installed here: install that, or set ${variable}`;
  try {
    await fetchArchives(server);
    return null;
  } catch (error) {
    return `mvn cannot fetch ${name} within ${fetchWithinMs / 1000} s: ${error instanceof Error ? error.message : error}`;
  }
}

/** The class path of a server that {@link whyNoJavaServer} has found to be here. */
export function classPathOf({ name }: JavaServer): string {
  return join(kept, name, "*");
}

/** How long Maven may take; it waits for minutes for a repository that does not answer. */
const fetchWithinMs = 120_000;

async function fetchArchives({ name, artifacts }: JavaServer): Promise<void> {
  const folder = join(kept, name);
  if (existsSync(folder)) return;
  mkdirSync(kept, { recursive: true });
  const fetching = mkdtempSync(join(kept, "fetching-"));
  try {
    writeFileSync(join(fetching, "pom.xml"), projectOf(artifacts));
    const jars = join(fetching, "jars");
    const copy = ["-q", "-B", "dependency:copy-dependencies", `-DoutputDirectory=${jars}`];
    const signal = AbortSignal.timeout(fetchWithinMs);
    await run("mvn", copy, { cwd: fetching, signal });
    // Another process may have been first.
    if (!existsSync(folder)) renameSync(jars, folder);
  } finally {
    rmSync(fetching, { recursive: true, force: true });
  }
}

function projectOf(artifacts: readonly string[]): string {
  const dependencies = artifacts.map((artifact) => {
    const [group, name, version] = artifact.split(":");
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>tests</groupId><artifactId>tests</artifactId><version>1</version><dependencies>${dependencies.join("")}</dependencies></project>`;
}

function isInPath(program: string): boolean {
  const folders = process.env.PATH?.split(delimiter) ?? [];
  return folders.some((folder) => existsSync(join(folder, program)));
}
