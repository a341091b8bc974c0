import { describe, expect, test, vi } from "vitest";
import { createVirtualClock } from "../../test/support/memory-bed.ts";
import { recordingLogger } from "../../test/support/recording-logger.ts";
import { delivery, stubDriver } from "../../test/support/stub-driver.ts";
import { type Delivery, type ReceiveRequest, SluiceError } from "../core/index.ts";
import { type FetchLoopOptions, runFetchLoop } from "./fetch-loop.ts";
import { createSlots } from "./slots.ts";

type Receive = (queue: string, request: ReceiveRequest) => Promise<readonly Delivery[]>;

const away: Receive = async () => {
  throw new SluiceError("STORE_UNAVAILABLE", "broker away");
};
const silent: Receive = () => new Promise(() => undefined);

/** A running loop of a worker with two slots, and how it ended, or null while it runs. */
function running(answer: Receive, more: Partial<FetchLoopOptions> = {}) {
  const clock = createVirtualClock();
  const log = recordingLogger();
  const abort = new AbortController();
  const slots = createSlots(2);
  const receive = vi.fn(answer);
  const release = vi.fn();
  const onDelivery = vi.fn();
  const onTrouble = vi.fn();
  const options: FetchLoopOptions = {
    queue: "mail",
    driver: stubDriver({ receive, watch: () => () => undefined }),
    slots,
    isAlone: true,
    leaseMs: 30_000,
    stallMs: 60_000,
    clock,
    logger: log,
    random: () => 0.999,
    signal: abort.signal,
    onDelivery,
    onProgress: vi.fn(),
    onTrouble,
    release,
    ...more,
  };
  const state = { end: null as unknown };
  const loop = runFetchLoop(options);
  loop.then(
    () => {
      state.end = "ended";
    },
    (error: unknown) => {
      state.end = error;
    },
  );
  return { loop, state, clock, log, abort, slots, receive, release, onDelivery, onTrouble };
}

describe("errors of the broker", () => {
  test("are survived with longer and longer pauses, up to five seconds", async () => {
    const times: number[] = [];
    const { clock, state, abort, loop } = running((...call) => {
      times.push(clock.now());
      return away(...call);
    });
    await clock.advance(60_000);
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(pauses.slice(0, 6).map((ms) => Math.round(ms / 100) * 100)).toEqual([
      200, 400, 800, 1600, 3200, 5000,
    ]);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(5000);
    expect(state.end).toBeNull();
    abort.abort();
    await loop;
    expect(clock.armedTimers).toBe(0);
  });

  test("hold no slot during a pause, which other queues can use", async () => {
    const { clock, slots, abort, loop } = running(away);
    await clock.advance(10_000);
    expect(slots.used).toBe(0);
    abort.abort();
    await loop;
  });

  test("are forgotten once it answers again, which is logged", async () => {
    const { clock, log, receive, abort, loop, onTrouble } = running(async () => []);
    receive.mockImplementationOnce(away).mockImplementationOnce(away);
    await clock.advance(1000);
    expect(log.messages("warn")).toEqual(Array(2).fill("receiving failed; trying again"));
    expect(log.messages("info")).toEqual(["the broker answers again"]);
    expect(onTrouble).toHaveBeenCalledTimes(2);
    expect(receive).toHaveBeenCalledTimes(3);
    abort.abort();
    await loop;
  });

  test("are survived also when they are no Sluice errors", async () => {
    const { clock, receive, state, abort, loop } = running(async () => []);
    receive.mockRejectedValueOnce(new TypeError("bug in a driver"));
    await clock.advance(1000);
    expect(receive).toHaveBeenCalledTimes(2);
    expect(state.end).toBeNull();
    abort.abort();
    await loop;
  });

  test("end the loop when trying again cannot help", async () => {
    const { clock, state, receive } = running(async () => {
      throw new SluiceError("STORE_CORRUPT", "damaged");
    });
    await clock.advance(60_000);
    expect(state.end).toMatchObject({ code: "STORE_CORRUPT" });
    expect(receive).toHaveBeenCalledTimes(1);
    expect(clock.armedTimers).toBe(0);
  });

  test("during a drain end the loop in peace", async () => {
    const { clock, state, abort } = running(
      (_queue, { signal }) =>
        new Promise((_, reject) => {
          signal?.addEventListener("abort", () =>
            reject(new SluiceError("STORE_CORRUPT", "damaged")),
          );
        }),
    );
    await clock.advance(0);
    abort.abort();
    await clock.advance(0);
    expect(state.end).toBe("ended");
  });
});

describe("a broker that does not answer", () => {
  test("is asked anew after the stall time, and what it yet brings is given back", async () => {
    const late = [delivery({ id: "late" })];
    const { clock, receive, release, onDelivery, abort, loop } = running(async () => []);
    let answer: (deliveries: readonly Delivery[]) => void = () => undefined;
    receive.mockImplementationOnce(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    await clock.advance(59_999);
    expect(receive).toHaveBeenCalledTimes(1);
    await clock.advance(1000);
    expect(receive).toHaveBeenCalledTimes(2);
    answer(late);
    await clock.advance(0);
    expect(release.mock.calls).toEqual([[late[0]]]);
    expect(onDelivery).not.toHaveBeenCalled();
    abort.abort();
    await loop;
  });

  test("ends the loop with WORKER_STALLED at the third time in a row", async () => {
    const { clock, state, receive } = running(silent);
    await clock.advance(130_000);
    expect(state.end).toBeNull();
    await clock.advance(60_000);
    expect(state.end).toMatchObject({ code: "WORKER_STALLED", retryable: true });
    expect(receive).toHaveBeenCalledTimes(3);
    expect(clock.armedTimers).toBe(0);
  });

  test("starts the count anew when it answers in between", async () => {
    const { clock, state, receive, abort } = running(silent);
    receive.mockImplementationOnce(silent).mockImplementationOnce(silent);
    receive.mockImplementationOnce(async () => []);
    await clock.advance(60_000 * 4);
    expect(state.end).toBeNull();
    abort.abort();
    await clock.advance(5000);
  });

  test("does not hold up a drain for longer than two seconds; what it brings is given back", async () => {
    let answer: (deliveries: readonly Delivery[]) => void = () => undefined;
    const { clock, state, abort, release } = running(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    await clock.advance(0);
    abort.abort();
    await clock.advance(1999);
    expect(state.end).toBeNull();
    await clock.advance(1);
    expect(state.end).toBe("ended");
    answer([delivery({ id: "late" })]);
    await clock.advance(0);
    expect(release).toHaveBeenCalledTimes(1);
  });
});

describe("a drain", () => {
  test("while all slots are taken ends the loop, which has then no slot", async () => {
    const deliveries = [delivery(), delivery()];
    const { clock, state, abort, slots } = running(async () => deliveries);
    await clock.advance(0);
    expect(slots.used).toBe(2);
    abort.abort();
    await clock.advance(0);
    expect(state.end).toBe("ended");
    slots.give(2);
    expect(slots.used).toBe(0);
  });

  test("in the moment in which a slot comes free does not begin another receive", async () => {
    const deliveries = [delivery(), delivery()];
    const { clock, state, abort, slots, receive } = running(async () => deliveries);
    await clock.advance(0);
    slots.give(1);
    abort.abort();
    await clock.advance(0);
    expect(state.end).toBe("ended");
    expect(receive).toHaveBeenCalledTimes(1);
    expect(slots.used).toBe(1);
  });
});
