/** Publishes work items: 200, or as many as its argument says. */
import { connect } from "amqplib";
import { amqpUrl, queue } from "./settings.ts";

const count = Number(process.argv[2] ?? 200);
const connection = await connect(amqpUrl());
const channel = await connection.createConfirmChannel();
await channel.assertQueue(queue, { durable: true });
for (let item = 1; item <= count; item += 1)
  channel.sendToQueue(queue, Buffer.from(JSON.stringify({ item })), { persistent: true });
await channel.waitForConfirms();
await connection.close();
console.log(`published ${count} items`);
