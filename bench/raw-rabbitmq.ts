/** What RabbitMQ does for amqplib alone, with the durability and the prefetch of the driver: quorum queues, confirmations, late acks. */
import amqp from "amqplib";

/** Bare amqplib over a connection for publishing and one for consuming, as the driver has. */
export interface RawQueue {
  /** Resolves when the broker has confirmed it. */
  send(queue: string, body: Buffer): Promise<void>;
  /** Takes and acknowledges one by one until `count` have come. */
  drain(
    queue: string,
    options: { readonly count: number; readonly prefetch: number },
  ): Promise<void>;
  /** Tells of each body that comes, until the connection closes. */
  listen(queue: string, onBody: (body: Buffer) => void): Promise<void>;
  declare(queue: string): Promise<void>;
  close(): Promise<void>;
}

/** Connects twice. */
export async function openRaw(url: string): Promise<RawQueue> {
  const publishing = await amqp.connect(url);
  const consuming = await amqp.connect(url);
  const outlet = await publishing.createConfirmChannel();
  const inlet = await consuming.createChannel();
  return {
    send: (queue, body) =>
      new Promise((resolve, reject) => {
        const onConfirm = (error: unknown): void => (error ? reject(error) : resolve());
        outlet.sendToQueue(queue, body, { persistent: true, mandatory: true }, onConfirm);
      }),
    async drain(queue, { count, prefetch }) {
      await inlet.prefetch(prefetch);
      const consumerTag = `drain-${queue}`;
      await new Promise<void>((resolve) => {
        let left = count;
        const take = (message: amqp.ConsumeMessage | null): void => {
          if (message === null) return;
          inlet.ack(message);
          left -= 1;
          if (left === 0) resolve();
        };
        void inlet.consume(queue, take, { consumerTag });
      });
      // Behind the acknowledgements: its answer says that the broker has read them.
      await inlet.cancel(consumerTag);
    },
    async listen(queue, onBody) {
      await inlet.prefetch(10);
      await inlet.consume(queue, (message) => {
        if (message === null) return;
        onBody(message.content);
        inlet.ack(message);
      });
    },
    async declare(queue) {
      const options = { durable: true, arguments: { "x-queue-type": "quorum" } };
      await inlet.assertQueue(queue, options);
    },
    async close() {
      await publishing.close();
      await consuming.close();
    },
  };
}
