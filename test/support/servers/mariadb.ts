import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { freePorts } from "./free-port.ts";
import { find, type Needed, run } from "./install.ts";
import { serverUser } from "./server-user.ts";
import { foreignServer, serverFolder, startPlanned, type TestServer } from "./test-server.ts";

/** What a MariaDB takes. */
export const neededForMariadb: Needed = {
  program: "mariadbd",
  folders: () => ["/usr/sbin"],
  debianPackage: "mariadb-server",
  variable: "SLUICE_TEST_MARIADB_URL",
};

/** A private MariaDB with the database `stats_db`. Passwords are checked. */
export async function startMariadb(): Promise<TestServer> {
  const { variable } = neededForMariadb;
  const foreign = process.env[variable];
  if (foreign !== undefined) return foreignServer(variable, foreign);
  const program = await find(neededForMariadb);
  const user = serverUser("mysql");
  const folder = serverFolder("mariadb", user);
  const data = join(folder, "data");
  const common = ["--no-defaults", `--datadir=${data}`];
  await run(join(dirname(dirname(program)), "bin/mariadb-install-db"), [
    ...common,
    "--skip-test-db",
    "--auth-root-authentication-method=normal",
    ...(user ? ["--user=mysql"] : []),
  ]);
  const [port = 0] = await freePorts(1);
  const init = join(folder, "init.sql");
  writeFileSync(
    init,
    "CREATE DATABASE IF NOT EXISTS stats_db;\nCREATE USER IF NOT EXISTS sluice@'127.0.0.1' IDENTIFIED BY 'secret';\nGRANT ALL ON stats_db.* TO sluice@'127.0.0.1';\n",
  );
  const args = [
    ...common,
    `--port=${port}`,
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    `--socket=${join(folder, "socket")}`,
    `--init-file=${init}`,
  ];
  return startPlanned({
    folder,
    url: `mysql://sluice:secret@127.0.0.1:${port}/stats_db`,
    command: { file: program, args, ...(user && { user }) },
    readyText: "ready for connections",
    readyWithinMs: 30_000,
    stopSignal: "SIGTERM",
  });
}
