import { expect, test } from "vitest";
import { createConnections } from "../../src/scaler/index.ts";
import { createVirtualClock } from "../../src/testing/index.ts";

/** Counts what is opened and closed; each connection is an object with its number. */
function server() {
  const closed: number[] = [];
  let opened = 0;
  return {
    closed,
    count: () => opened,
    open: async () => {
      opened += 1;
      return { id: opened };
    },
    close: async ({ id }: { readonly id: number }) => {
      closed.push(id);
    },
  };
}

test("opens once for any number of concurrent holds, and closes some time after the last is given back", async () => {
  const clock = createVirtualClock();
  const connections = createConnections({ clock, idleMs: 1000 });
  const { open, close, closed, count } = server();
  const holds = await Promise.all([1, 2, 3].map(() => connections.hold("a", open, close)));
  expect(count()).toBe(1);
  expect(new Set(holds.map(({ connection }) => connection)).size).toBe(1);
  const [first, ...others] = holds;
  first?.release();
  first?.release();
  first?.release();
  await clock.advance(5000);
  expect(closed).toEqual([]);
  for (const hold of others) hold.release();
  await clock.advance(999);
  expect(closed).toEqual([]);
  await clock.advance(1);
  expect(closed).toEqual([1]);
  expect(clock.armedTimers).toBe(0);
});

test("keeps the connection for a hold that comes before it is closed", async () => {
  const clock = createVirtualClock();
  const connections = createConnections({ clock, idleMs: 1000 });
  const { open, close, closed, count } = server();
  (await connections.hold("a", open, close)).release();
  await clock.advance(900);
  await connections.hold("a", open, close);
  await clock.advance(10_000);
  expect([count(), closed]).toEqual([1, []]);
});

test("opens one for each key", async () => {
  const connections = createConnections();
  const { open, close, count } = server();
  await connections.hold("a", open, close);
  await connections.hold("b", open, close);
  expect(count()).toBe(2);
  await connections.close();
});

test("fails every hold that waits for a connection that cannot be opened, and tries anew at the next", async () => {
  const connections = createConnections();
  const { open, close, count } = server();
  let attempts = 0;
  const refuse = async (): Promise<{ id: number }> => {
    attempts += 1;
    throw new Error("refused");
  };
  const holds = [1, 2].map(() => connections.hold("a", refuse, close));
  const results = await Promise.allSettled(holds);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(attempts).toBe(1);
  await connections.hold("a", open, close);
  expect(count()).toBe(1);
  await connections.close();
});

test("closes what is dropped and opens another, once for all who held the broken one", async () => {
  const connections = createConnections();
  const { open, close, closed, count } = server();
  const one = await connections.hold("a", open, close);
  const two = await connections.hold("a", open, close);
  connections.drop("a", one.connection);
  const next = await connections.hold("a", open, close);
  expect(next.connection).not.toBe(one.connection);
  connections.drop("a", two.connection);
  const again = await connections.hold("a", open, close);
  expect(again.connection).toBe(next.connection);
  expect([count(), closed]).toEqual([2, [1]]);
  one.release();
  two.release();
  await connections.close();
  expect(closed).toEqual([1, 2]);
});

test("drops whatever is behind a key when not told which", async () => {
  const connections = createConnections();
  const { open, close, closed } = server();
  await connections.hold("a", open, close);
  connections.drop("a");
  connections.drop("nothing");
  await connections.close();
  expect(closed).toEqual([1]);
});

test("close ends all, also one that is still opening, and refuses what comes later", async () => {
  const clock = createVirtualClock();
  const connections = createConnections({ clock });
  const { open, close, closed } = server();
  await connections.hold("a", open, close);
  (await connections.hold("b", open, close)).release();
  let opens: (connection: { id: number }) => void = () => undefined;
  const slow = new Promise<{ id: number }>((resolve) => {
    opens = resolve;
  });
  const waiting = connections.hold("c", () => slow, close);
  const ended = connections.close();
  opens({ id: 3 });
  await expect(waiting).rejects.toMatchObject({ code: "CLOSED" });
  await ended;
  await connections.close();
  expect(closed.sort()).toEqual([1, 2, 3]);
  expect(clock.armedTimers).toBe(0);
  await expect(connections.hold("a", open, close)).rejects.toMatchObject({ code: "CLOSED" });
});

test("tells of a connection that does not close, and goes on", async () => {
  const errors: unknown[] = [];
  const connections = createConnections({ onCloseError: (error) => errors.push(error) });
  const { open } = server();
  await connections.hold("a", open, async () => {
    throw new Error("stuck");
  });
  await connections.close();
  expect(errors).toMatchObject([{ message: "stuck" }]);
});
