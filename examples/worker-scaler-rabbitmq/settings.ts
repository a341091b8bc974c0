/** The queue of the work items. */
export const queue = "work";

/** `AMQP_URL`, which the job takes from the Secret `rabbitmq-secret`. */
export function amqpUrl(): string {
  const url = process.env.AMQP_URL;
  if (url === undefined) throw new Error("AMQP_URL must be an amqp:// URL; it is not set.");
  return url;
}

/** A time in milliseconds; the environment has it in seconds. */
export function ms(name: string, standardSeconds: number): number {
  return 1000 * Number(process.env[name] ?? standardSeconds);
}
