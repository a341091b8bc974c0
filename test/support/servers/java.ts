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

/** Why such a server cannot be had here; `null` when it can. */
export function whyNoJavaServer({ name, variable }: JavaServer): string | null {
  if (process.env[variable] !== undefined) return null;
  const absent = ["java", "mvn"].filter((program) => !isInPath(program));
  const needed = existsSync(join(kept, name)) ? absent.filter((one) => one === "java") : absent;
  if (needed.length === 0) return null;
  return `${name} needs ${needed.join(" and ")}, not installed here: install that, or set ${variable}`;
}

/** The class path of a server, which is fetched once. */
export async function classPathOf({ name, artifacts }: JavaServer): Promise<string> {
  const folder = join(kept, name);
  if (!existsSync(folder)) {
    mkdirSync(kept, { recursive: true });
    const fetching = mkdtempSync(join(kept, "fetching-"));
    writeFileSync(join(fetching, "pom.xml"), projectOf(artifacts));
    const jars = join(fetching, "jars");
    await run("mvn", ["-q", "dependency:copy-dependencies", `-DoutputDirectory=${jars}`], {
      cwd: fetching,
    });
    // Another process may have been first.
    if (!existsSync(folder)) renameSync(jars, folder);
    rmSync(fetching, { recursive: true });
  }
  return join(folder, "*");
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
