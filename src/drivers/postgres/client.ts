/** The part of the package `pg` that is used, so that its types never show in ours. */
import { SluiceError } from "../../core/index.ts";

/** A result of `pg`, with rows as arrays. */
export interface PgResultLike {
  readonly rows: unknown[];
}

/** A query as `pg` takes it. */
export interface PgQueryLike {
  readonly text: string;
  readonly values?: unknown[];
  readonly rowMode?: "array";
  readonly query_timeout?: number;
}

/** A connection of `pg`. */
export interface PgClientLike {
  connect(): Promise<unknown>;
  query(query: PgQueryLike): Promise<PgResultLike>;
  end(): Promise<void>;
  on(event: "error" | "end", listener: (error?: Error) => void): unknown;
  on(event: "notification", listener: (message: { readonly payload?: string }) => void): unknown;
}

/** A pool of `pg`. */
export interface PgPoolLike {
  connect(): Promise<PgClientLike & { release(error?: Error | boolean): void }>;
  end(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "connect" | "remove", listener: (client: PgClientLike) => void): unknown;
}

/** How connections are made; the rest of `pg`'s settings come from the URL. */
export interface PgConfig {
  readonly connectionString: string;
  readonly application_name: string;
  readonly keepAlive: true;
  readonly keepAliveInitialDelayMillis: number;
  readonly connectionTimeoutMillis: number;
  readonly query_timeout: number;
  readonly statement_timeout: number;
  readonly lock_timeout: number;
}

/** The settings of a pool besides {@link PgConfig}. */
export interface PgPoolConfig extends PgConfig {
  readonly max: number;
  readonly idleTimeoutMillis: number;
}

/** The package `pg`. */
export interface PgModuleLike {
  readonly Pool: new (config: PgPoolConfig) => PgPoolLike;
  readonly Client: new (config: PgConfig) => PgClientLike;
}

/** Loads `pg`. Rejects with `CLIENT_MISSING`. */
export async function loadPg(
  load: () => Promise<unknown> = () => import("pg"),
): Promise<PgModuleLike> {
  try {
    const loaded = (await load()) as PgModuleLike & { readonly default?: PgModuleLike };
    return loaded.default ?? loaded;
  } catch (cause) {
    const message = "postgres driver needs pg: npm install pg@^8.11";
    throw new SluiceError("CLIENT_MISSING", message, { cause });
  }
}

/** Closes the socket without a word, for a connection that no longer answers. */
export function cutOff(client: PgClientLike): void {
  const socket = (client as { readonly connection?: { readonly stream?: { destroy?(): void } } })
    .connection?.stream;
  socket?.destroy?.();
}
