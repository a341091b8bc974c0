export { type RabbitmqOptions, rabbitmqCapabilities, rabbitmqDriver } from "./driver.ts";
export { openRabbitmq } from "./url.ts";
