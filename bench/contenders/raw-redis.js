// What the server can do when a list is all there is: LPUSH per send, pipelined, and RPOP of 100. No lease: a crash
// loses what was popped.
import { Redis } from "ioredis";

export const tuning =
  "plain ioredis: LPUSH per send, auto-pipelined; RPOP of 100, 2 loops; BRPOP when empty";

export async function open(url) {
  const redis = new Redis(url, { enableAutoPipelining: true });
  redis.on("error", () => undefined);
  await redis.ping();
  return {
    send: (queue, data) => redis.lpush(queue, JSON.stringify(data)),
    async fill(queue, count, data) {
      const body = JSON.stringify(data);
      for (let left = count; left > 0; left -= 1000)
        await redis.lpush(queue, ...Array(Math.min(left, 1000)).fill(body));
    },
    async work(queue, { onStart, onDone }) {
      const blocking = new Redis(url);
      blocking.on("error", () => undefined);
      let isOver = false;
      const take = (bodies) => {
        for (const body of bodies) {
          onStart(JSON.parse(body));
          onDone();
        }
      };
      const loop = async () => {
        while (!isOver) {
          const bodies = (await redis.rpop(queue, 100).catch(() => null)) ?? [];
          take(bodies);
          if (bodies.length > 0) continue;
          const popped = await blocking.brpop(queue, 0).catch(() => null);
          take(popped === null ? [] : [popped[1]]);
        }
      };
      void loop();
      void loop();
      return async () => {
        isOver = true;
        blocking.disconnect();
      };
    },
    close: async () => redis.disconnect(),
  };
}
