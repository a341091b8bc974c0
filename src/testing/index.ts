export * from "./driver-conformance/index.ts";
export { seededRandom } from "./seeded-random.ts";
export { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";
