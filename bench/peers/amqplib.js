// What bare amqplib does with the durability and the prefetch of the driver: quorum queues, confirmations, late acks.
import amqp from "amqplib";

const prefetch = 200;

export const tuning = `bare: quorum queues, confirmations, late acks one by one, prefetch ${prefetch}`;

export async function open(url) {
  const publishing = await amqp.connect(url);
  const consuming = await amqp.connect(url);
  for (const connection of [publishing, consuming]) connection.on("error", () => undefined);
  const outlet = await publishing.createConfirmChannel();
  outlet.on("error", () => undefined);
  const sendBytes = (queue, body) =>
    new Promise((resolve, reject) => {
      const onConfirm = (error) => (error ? reject(error) : resolve());
      outlet.sendToQueue(queue, body, { persistent: true, mandatory: true }, onConfirm);
    });
  return {
    async prepare(queue) {
      await outlet.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum" } });
    },
    send: (queue, data) => sendBytes(queue, Buffer.from(JSON.stringify(data))),
    async fill(queue, count, data) {
      const body = Buffer.from(JSON.stringify(data));
      for (let left = count; left > 0; left -= 500)
        await Promise.all(
          Array.from({ length: Math.min(left, 500) }, () => sendBytes(queue, body)),
        );
    },
    async work(queue, { onStart, onDone }) {
      const inlet = await consuming.createChannel();
      inlet.on("error", () => undefined);
      await inlet.prefetch(prefetch);
      const take = (message) => {
        if (message === null) return;
        onStart(JSON.parse(message.content.toString()));
        inlet.ack(message);
        onDone();
      };
      const { consumerTag } = await inlet.consume(queue, take);
      return async () => {
        // Behind the acknowledgements: its answer says that the broker has read them.
        await inlet.cancel(consumerTag);
        await inlet.close();
      };
    },
    async close() {
      await publishing.close();
      await consuming.close();
    },
  };
}
