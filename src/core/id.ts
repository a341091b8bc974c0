import { randomUUID } from "node:crypto";

/** A UUID version 7 (RFC 9562): the time in front, so that ids of later messages sort after earlier ones. */
export function createId(now: number): string {
  const time = Math.max(0, Math.trunc(now)).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${randomUUID().slice(15)}`;
}
