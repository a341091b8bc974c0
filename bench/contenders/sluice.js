import { connect, defineJob, defineWorker, noTelemetry, silentLogger, startWorker } from "sluice";

const concurrency = 200;

export const tuning = `defaults, concurrency ${concurrency}`;

/** As for a user who has not installed OpenTelemetry; in this checkout it is. */
export async function open(url) {
  const sluice = await connect(url, { telemetry: noTelemetry, logger: silentLogger });
  return {
    send: (queue, data) => sluice.publish(queue, data),
    fill: (queue, count, data) => sluice.publishMany(queue, Array(count).fill(data)),
    async work(queue, { onStart, onDone }) {
      const handlers = [defineJob(queue).handle((data) => onStart(data))];
      const worker = startWorker(defineWorker({ handlers, concurrency }), sluice);
      let told = 0;
      worker.onActivity(() => {
        for (; told < worker.completed; told += 1) onDone();
      });
      return () => worker.drain();
    },
    close: () => sluice.close(),
  };
}
