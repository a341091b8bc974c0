import type { TestServer } from "../support/servers.ts";
import type { Run, RunOptions } from "./run.ts";
import type { FaultSubject } from "./subjects.ts";

/** One fault, and what must hold although it happens. */
export interface FaultCase {
  /** A sentence about behaviour. */
  readonly name: string;
  readonly load: Omit<RunOptions, "url">;
  /** Rejects when something was lost or did not resume; resolves with the figures to print. */
  run(run: Run, broken: BrokenServer): Promise<readonly string[]>;
}

/** What is broken. */
export interface BrokenServer {
  readonly subject: FaultSubject;
  readonly server: TestServer;
}
