export { type RedisOptions, redisCapabilities, redisDriver } from "./driver.ts";
export { openRedis } from "./url.ts";
