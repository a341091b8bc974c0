import type { ConnectionHold, TriggerContext } from "../scaler/index.ts";
import { kindOf, noAnswer } from "./failure.ts";
import { createLanes, type Lanes, untilAborted, within } from "./lanes.ts";

/** How one kind of connection is made; those with the same key are one. */
export interface ConnectionPlan<T> {
  /** Server and credential. */
  readonly key: string;
  open(): Promise<T>;
  close(connection: T): Promise<void>;
  /** How many triggers may use it at the same time; the others wait for their turn. */
  readonly atOnce: number;
  /** A connection that mends itself when it breaks is never dropped. */
  readonly healsItself?: true;
}

/** A trigger's part in a connection that many triggers share. */
export interface SharedConnection<T> {
  /**
   * Runs `work` on the connection, opening it first where need be, when it is its turn; from then on it has the trigger's
   * time-out. When that fails in a way that a new connection might mend, the connection is dropped (unless it heals
   * itself), and the next use opens another. `signal` ends the wait and the work.
   */
  use<Result>(
    signal: AbortSignal,
    work: (connection: T, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result>;
  /** A hold of its own on the connection, for what goes on beside readings. */
  lend(): Promise<ConnectionHold<T>>;
  /** Gives the trigger's hold back, idempotently. */
  release(): void;
}

/** What is shared: a connection and the order in which triggers use it. */
interface Shared<T> {
  readonly connection: T;
  readonly lanes: Lanes;
  /** Whoever still waits for it begins anew. */
  isDropped: boolean;
}

/** What a trigger gives to share a connection. */
export type Sharing = Pick<TriggerContext, "connections" | "clock" | "timeoutMs">;

/** States: without a hold, with one (or waiting for it), released for good. */
export function shareConnection<T>(
  { connections, clock, timeoutMs: ms }: Sharing,
  plan: ConnectionPlan<T>,
): SharedConnection<T> {
  let held: Promise<ConnectionHold<Shared<T>>> | null = null;

  const open = async (): Promise<Shared<T>> => ({
    connection: await plan.open(),
    lanes: createLanes(plan.atOnce),
    isDropped: false,
  });
  const close = ({ connection }: Shared<T>): Promise<void> => plan.close(connection);

  function hold(): Promise<ConnectionHold<Shared<T>>> {
    const holding = held ?? connections.hold(plan.key, open, close);
    held = holding;
    holding.catch(() => giveUp(holding));
    return holding;
  }

  function giveUp(holding: Promise<ConnectionHold<Shared<T>>>): void {
    if (held === holding) held = null;
  }

  return {
    async use(signal, work) {
      const holding = hold();
      const { connection: shared, release } = await untilAborted(holding, signal);
      const drop = (): void => {
        shared.isDropped = true;
        connections.drop(plan.key, shared);
        giveUp(holding);
        release();
      };
      return shared.lanes.pass(signal, async () => {
        try {
          if (shared.isDropped) throw noAnswer("the connection broke before it was our turn");
          return await within({ clock, ms, signal }, (limited) => work(shared.connection, limited));
        } catch (error) {
          if (kindOf(error) !== "wrong answer" && !plan.healsItself) drop();
          throw error;
        }
      });
    },
    async lend() {
      const { connection: shared, release } = await connections.hold(plan.key, open, close);
      return { connection: shared.connection, release };
    },
    release() {
      const holding = held;
      held = null;
      holding?.then(
        ({ release }) => release(),
        () => undefined, // told to whoever waited for it
      );
    },
  };
}
