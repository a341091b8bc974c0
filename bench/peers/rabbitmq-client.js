import { Connection } from "rabbitmq-client";

const prefetch = 200;
const queueOptions = { durable: true, arguments: { "x-queue-type": "quorum" } };

export const tuning = `quorum queues, confirmations, acks after the handler, prefetch and concurrency ${prefetch}`;

export async function open(url) {
  const rabbit = new Connection(url);
  rabbit.on("error", () => undefined);
  await rabbit.onConnect(10_000);
  const publisher = rabbit.createPublisher({ confirm: true });
  const send = (queue, data) =>
    publisher.send({ routingKey: queue, durable: true, mandatory: true }, data);
  return {
    prepare: (queue) => rabbit.queueDeclare({ queue, ...queueOptions }),
    send,
    async fill(queue, count, data) {
      for (let left = count; left > 0; left -= 500)
        await Promise.all(Array.from({ length: Math.min(left, 500) }, () => send(queue, data)));
    },
    async work(queue, { onStart, onDone }) {
      const options = {
        queue,
        queueOptions,
        concurrency: prefetch,
        qos: { prefetchCount: prefetch },
      };
      const consumer = rabbit.createConsumer(options, async (message) => {
        onStart(message.body);
        // The acknowledgement follows when this function has ended.
        setImmediate(onDone);
      });
      consumer.on("error", () => undefined);
      await new Promise((resolve) => consumer.once("ready", resolve));
      return () => consumer.close();
    },
    async close() {
      await publisher.close();
      await rabbit.close();
    },
  };
}
