export { type MemoryDriverOptions, memoryCapabilities, memoryDriver } from "./memory-driver.ts";
export { openMemory } from "./url.ts";
