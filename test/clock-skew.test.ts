/**
 * The clocks of publishers and workers may be wrong: the broker's own decides about delays, leases and ages, or a timer
 * does, to which it does not matter what time it is. Every other connection of these cases believes that it is an hour
 * later than it is, and the rest an hour earlier.
 */
import { beforeAll, describe, test } from "vitest";
import { type Clock, silentLogger, systemClock } from "../src/core/index.ts";
import { openDriver } from "../src/drivers/index.ts";
import { driverConformance, runConformanceCase } from "../src/testing/index.ts";
import { type ServerName, sharedServer, whyNoServer } from "./support/servers.ts";

/** Brokers that processes of several machines share. A new one is one more entry. */
const subjects: readonly ServerName[] = ["postgres", "redis", "rabbitmq"];
const areas: readonly string[] = ["time", "lease", "depth", "identity"];

const hourMs = 3_600_000;

function wrongBy(ms: number): Clock {
  return { ...systemClock, now: () => systemClock.now() + ms };
}

describe.concurrent.each(subjects)("%s, with clocks that are an hour wrong", (name) => {
  const missing = whyNoServer(name);
  let opened = 0;
  let url = "";
  beforeAll(async () => {
    if (missing === null) url = (await sharedServer(name)).url;
  });

  async function open() {
    opened += 1;
    const clock = wrongBy(opened % 2 === 0 ? hourMs : -hourMs);
    return openDriver(url, { clock, logger: silentLogger, create: true });
  }

  for (const entry of driverConformance.filter(({ area }) => areas.includes(area))) {
    test(`${entry.area}: ${entry.name}`, { timeout: 50_000 }, async ({ skip }) => {
      if (missing !== null) return skip(missing);
      const queuePrefix = "skewed.";
      const result = await runConformanceCase(entry, { open, queuePrefix });
      if (result.status === "skipped") skip(result.reason);
      if (result.status === "failed") throw result.error;
    });
  }
});
