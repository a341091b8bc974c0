/**
 * Works items until none has come for a while, and leaves: who scales in is the worker, since only it knows that it is idle. An
 * item is acknowledged when it is done. Those of a worker that dies go back to the queue, so an item may be worked twice.
 */
import { setTimeout as wait } from "node:timers/promises";
import { connect } from "amqplib";
import { amqpUrl, ms, queue } from "./settings.ts";

const idleMs = ms("IDLE_SECONDS", 15);
const workMs = ms("WORK_SECONDS", 2);

const connection = await connect(amqpUrl());
const channel = await connection.createChannel();
await channel.assertQueue(queue, { durable: true });
await channel.prefetch(5);

let idle = setTimeout(leave, idleMs);
let isLeaving = false;
/** Items are worked one after the other; the prefetched ones wait their turn. */
let work: Promise<void> = Promise.resolve();

async function leave(): Promise<void> {
  if (isLeaving) return;
  isLeaving = true;
  clearTimeout(idle);
  await channel.cancel(consumerTag);
  await work;
  await channel.close(); // what was prefetched and not worked goes back
  await connection.close();
}

const { consumerTag } = await channel.consume(queue, (message) => {
  if (message === null) return;
  clearTimeout(idle);
  work = work.then(async () => {
    if (isLeaving) return;
    const { item } = JSON.parse(message.content.toString());
    await wait(workMs);
    console.log(`done item ${item}`);
    channel.ack(message);
    clearTimeout(idle);
    idle = setTimeout(leave, idleMs);
  });
});
process.once("SIGTERM", leave);
console.log("ready");
