/** Where a MySQL or MariaDB is. */
export interface MysqlPlace {
  readonly host: string;
  readonly port: number;
  /** Instead of host and port. */
  readonly socketPath: string | null;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly tls: "false" | "true" | "skip-verify" | "preferred";
}

const dsn = /^(?:(.*)@)?(?:(\w+)(?:\((.*)\))?)?\/([^/?]*)(?:\?(.*))?$/s;
const form = "the form user:password@tcp(host:3306)/database";

/**
 * Go's data source names (https://github.com/go-sql-driver/mysql#dsn-data-source-name), which is what KEDA takes. Of the
 * parameters, `tls` counts. Throws an `Error` that says what was expected and never shows what came.
 */
export function parseDsn(text: string): MysqlPlace {
  const [whole, login = "", network = "tcp", address = "", database = "", search = ""] =
    dsn.exec(text) ?? [];
  if (whole === undefined || (network !== "tcp" && network !== "unix")) throw new Error(form);
  const [, user = login, password = ""] = /^([^:]*):(.*)$/s.exec(login) ?? [];
  const [, host = address, port = "3306"] = /^(.*?)(?::(\d+))?$/.exec(address) ?? [];
  return {
    host: host.replace(/^\[(.*)\]$/, "$1") || "127.0.0.1",
    port: Number(port),
    socketPath: network === "unix" ? address || "/tmp/mysql.sock" : null,
    user,
    password,
    database: decodeURIComponent(database),
    tls: tlsOf(new URLSearchParams(search).get("tls") ?? "false"),
  };
}

function tlsOf(text: string): MysqlPlace["tls"] {
  const known = text.toLowerCase();
  if (known === "true" || known === "false" || known === "skip-verify" || known === "preferred")
    return known;
  throw new Error("tls=true, false, skip-verify or preferred");
}
