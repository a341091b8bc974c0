import { appendFileSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { freePorts } from "./free-port.ts";
import { find, type Needed, run } from "./install.ts";
import { serverUser } from "./server-user.ts";
import { foreignServer, serverFolder, startPlanned, type TestServer } from "./test-server.ts";

const packages = "/usr/lib/postgresql";

/** What a PostgreSQL takes. */
export const neededForPostgres: Needed = {
  program: "postgres",
  // The newest version first.
  folders: () =>
    existsSync(packages)
      ? readdirSync(packages)
          .sort((a, b) => Number(b) - Number(a))
          .map((version) => join(packages, version, "bin"))
      : [],
  debianPackage: "postgresql",
  variable: "SLUICE_TEST_POSTGRES_URL",
};

/** A private PostgreSQL with its default durability: `fsync` and `synchronous_commit` on. Passwords are checked. */
export async function startPostgres(): Promise<TestServer> {
  const { variable } = neededForPostgres;
  const foreign = process.env[variable];
  if (foreign !== undefined) return foreignServer(variable, foreign);
  const program = await find(neededForPostgres);
  const user = serverUser("postgres");
  const folder = serverFolder("postgres", user);
  const data = join(folder, "data");
  const password = join(folder, "password");
  writeFileSync(password, "secret\n");
  const authentication = ["--username=sluice", `--pwfile=${password}`, "--auth=scram-sha-256"];
  // Not waiting for the disk here is about the empty cluster only.
  const cluster = [`--pgdata=${data}`, "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"];
  await run(join(dirname(program), "initdb"), [...cluster, ...authentication], {
    cwd: folder,
    ...user,
  });
  const [port = 0] = await freePorts(1);
  const settings = `listen_addresses = '127.0.0.1'\nport = ${port}\nunix_socket_directories = '${folder}'\n`;
  appendFileSync(join(data, "postgresql.conf"), settings);
  return startPlanned({
    folder,
    url: `postgres://sluice:secret@127.0.0.1:${port}/postgres`,
    command: { file: program, args: ["-D", data], ...(user && { user }) },
    readyText: "database system is ready to accept connections",
    readyWithinMs: 30_000,
    stopSignal: "SIGINT", // "fast": clients are cut off, transactions rolled back
  });
}
