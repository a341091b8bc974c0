import { describe, expect, test, vi } from "vitest";
import { createVirtualClock } from "../../test/support/memory-bed.ts";
import { recordingLogger } from "../../test/support/recording-logger.ts";
import { stubDriver } from "../../test/support/stub-driver.ts";
import { type Driver, type Settlement, SluiceError } from "../core/index.ts";
import { createSettler } from "./settler.ts";

const patienceMs = 30_000;
const ack = (receipt: string): Settlement => ({ receipt, outcome: "ack" });
const settleAll: Driver["settle"] = async (_queue, settlements) => settlements.map(() => true);
const away = async () => {
  throw new SluiceError("STORE_UNAVAILABLE", "broker away");
};

function settling(answer: Driver["settle"] = settleAll) {
  const clock = createVirtualClock();
  const log = recordingLogger();
  const settle = vi.fn(answer);
  const settler = createSettler({ driver: stubDriver({ settle }), patienceMs, clock, logger: log });
  return { clock, log, settle, settler };
}

/** How a settlement ended and when, or null while it has not. */
function watched(clock: { now(): number }, settled: Promise<boolean>) {
  const start = clock.now();
  const state = { end: null as unknown, afterMs: null as number | null };
  const note = (end: unknown) => {
    state.end = end;
    state.afterMs = clock.now() - start;
  };
  settled.then(note, note);
  return state;
}

describe("grouping", () => {
  test("settles those of one moment in one call for each queue, and answers each", async () => {
    const { settler, settle } = settling(async (_queue, settlements) =>
      settlements.map(({ receipt }) => receipt !== "b"),
    );
    const settled = ["a", "b", "c"].map((receipt) => settler.settle("mail", ack(receipt)));
    const other = settler.settle("orders", ack("d"));
    expect(settler.pending).toBe(4);
    expect(await Promise.all(settled)).toEqual([true, false, true]);
    expect(await other).toBe(true);
    expect(settler.pending).toBe(0);
    expect(settle.mock.calls.map(([queue, group]) => [queue, group.length])).toEqual([
      ["mail", 3],
      ["orders", 1],
    ]);
  });

  test("keeps a call to 500 settlements", async () => {
    const { settler, settle } = settling();
    const receipts = Array.from({ length: 1001 }, (_, index) => `r${index}`);
    await Promise.all(receipts.map((receipt) => settler.settle("mail", ack(receipt))));
    expect(settle.mock.calls.map(([, group]) => group.length)).toEqual([500, 500, 1]);
  });
});

describe("while the broker is away", () => {
  test("tries again with longer and longer pauses until it is back", async () => {
    const { settler, settle, clock, log } = settling();
    settle.mockImplementationOnce(away).mockImplementationOnce(away).mockImplementationOnce(away);
    const state = watched(clock, settler.settle("mail", ack("a")));
    await clock.advance(patienceMs);
    expect(state).toEqual({ end: true, afterMs: 50 + 100 + 200 });
    expect(settle).toHaveBeenCalledTimes(4);
    expect(log.messages("warn")).toHaveLength(3);
  });

  test("gives up after its patience with the broker's error", async () => {
    const { settler, clock } = settling(away);
    const state = watched(clock, settler.settle("mail", ack("a")));
    await clock.advance(patienceMs - 2000);
    expect(state.end).toBeNull();
    expect(settler.pending).toBe(1);
    await clock.advance(2000);
    expect(state.end).toMatchObject({ code: "STORE_UNAVAILABLE", message: "broker away" });
    expect(settler.pending).toBe(0);
  });

  test("counts the patience from when a settlement came, not from when its turn came", async () => {
    const { settler, clock } = settling(away);
    void settler.settle("mail", ack("a")).catch(() => undefined);
    await clock.advance(1000);
    const second = watched(clock, settler.settle("mail", ack("b")));
    await clock.advance(2 * patienceMs);
    expect(second.end).toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(second.afterMs).toBeLessThanOrEqual(patienceMs + 2000);
  });

  test("does not try again when that cannot help", async () => {
    const { settler, settle } = settling(async () => {
      throw new SluiceError("STORE_CORRUPT", "damaged");
    });
    await expect(settler.settle("mail", ack("a"))).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    expect(settle).toHaveBeenCalledTimes(1);
  });

  test("another queue is not held up", async () => {
    const { settler } = settling(async (queue, settlements) =>
      queue === "mail" ? away() : settlements.map(() => true),
    );
    void settler.settle("mail", ack("a")).catch(() => undefined);
    expect(await settler.settle("orders", ack("b"))).toBe(true);
  });
});

describe("a broker that never answers", () => {
  test("counts as away once the patience is over, so that a worker can end", async () => {
    const { settler, clock } = settling(() => new Promise(() => undefined));
    const state = watched(clock, settler.settle("mail", ack("a")));
    await clock.advance(patienceMs - 1);
    expect(state.end).toBeNull();
    await clock.advance(1);
    expect(state.end).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    expect(clock.armedTimers).toBe(0);
  });

  test("leaves the ones behind it a second at least", async () => {
    const { settler, settle, clock } = settling();
    settle.mockImplementationOnce(() => new Promise(() => undefined));
    void settler.settle("mail", ack("a")).catch(() => undefined);
    await clock.advance(1);
    const second = watched(clock, settler.settle("mail", ack("b")));
    await clock.advance(patienceMs);
    expect(second.end).toBe(true);
  });
});
