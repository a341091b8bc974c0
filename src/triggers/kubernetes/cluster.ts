/** Which Kubernetes cluster is asked, and as whom: found as kubectl and programs inside a cluster find it. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { wrongAnswer } from "../failure.ts";
import { basic } from "../http/client.ts";
import type { TlsTexts } from "../tls.ts";

/** How a cluster's API is reached. */
export interface ClusterAccess {
  readonly server: string;
  readonly tls: TlsTexts;
  /** Read anew for each request, since tokens in files are replaced. */
  headers(): Readonly<Record<string, string>>;
}

const account = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The cluster of `KUBECONFIG`, the one that we run in, or that of `~/.kube/config`. Throws when there is none. */
export function findCluster(env: Readonly<NodeJS.ProcessEnv> = process.env): ClusterAccess {
  if (env.KUBECONFIG) return fromFile(env.KUBECONFIG.split(":")[0] ?? "");
  const host = env.KUBERNETES_SERVICE_HOST;
  if (host && existsSync(`${account}/token`)) {
    const authority = host.includes(":") ? `[${host}]` : host;
    return {
      server: `https://${authority}:${env.KUBERNETES_SERVICE_PORT ?? "443"}`,
      tls: { ca: readFileSync(`${account}/ca.crt`, "utf8") },
      headers: () => bearer(readFileSync(`${account}/token`, "utf8")),
    };
  }
  const own = join(homedir(), ".kube/config");
  if (existsSync(own)) return fromFile(own);
  throw wrongAnswer(
    "there is no Kubernetes cluster to ask: set KUBECONFIG, or run inside a cluster",
  );
}

type Fields = Readonly<Record<string, unknown>>;

interface Kubeconfig {
  readonly "current-context"?: string;
  readonly contexts?: readonly { readonly name: string; readonly context: Fields }[];
  readonly clusters?: readonly { readonly name: string; readonly cluster: Fields }[];
  readonly users?: readonly { readonly name: string; readonly user: Fields }[];
}

function fromFile(path: string): ClusterAccess {
  const config = parse(readFileSync(path, "utf8")) as Kubeconfig;
  const current = config["current-context"];
  const context = config.contexts?.find(({ name }) => name === current)?.context;
  const cluster = config.clusters?.find(({ name }) => name === context?.cluster)?.cluster;
  const user = config.users?.find(({ name }) => name === context?.user)?.user ?? {};
  const server = cluster?.server;
  if (cluster === undefined || typeof server !== "string")
    throw wrongAnswer(`${path} names no cluster for its current-context`);
  if (user.exec !== undefined || user["auth-provider"] !== undefined)
    throw wrongAnswer(
      `${path} gets credentials from a program, which is not supported; use a token or a certificate`,
    );
  const pem = (fields: Fields, name: string): string | null => pemOf(fields, name, dirname(path));
  return {
    server,
    tls: {
      ca: pem(cluster, "certificate-authority"),
      cert: pem(user, "client-certificate"),
      key: pem(user, "client-key"),
      unsafeSsl: cluster["insecure-skip-tls-verify"] === true,
    },
    headers: () => headersOf(user, dirname(path)),
  };
}

/** Either in the file itself, in base64, or in one that it names. */
function pemOf(fields: Fields, name: string, folder: string): string | null {
  const data = fields[`${name}-data`];
  if (typeof data === "string") return Buffer.from(data, "base64").toString("utf8");
  const file = fields[name];
  return typeof file === "string" ? readFileSync(resolve(folder, file), "utf8") : null;
}

function headersOf(user: Fields, folder: string): Readonly<Record<string, string>> {
  const { token, tokenFile, username, password } = user;
  if (typeof tokenFile === "string")
    return bearer(readFileSync(resolve(folder, tokenFile), "utf8"));
  if (typeof token === "string") return bearer(token);
  return typeof username === "string" ? basic(username, String(password ?? "")) : {};
}

function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token.trim()}` };
}
