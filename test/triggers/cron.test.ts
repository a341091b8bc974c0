import { afterAll, describe, expect, test } from "vitest";
import { createVirtualClock } from "../../src/testing/index.ts";
import { replicaWindow } from "../../src/triggers/index.ts";
import { createTriggerBed } from "./trigger-bed.ts";

const bed = createTriggerBed();
afterAll(() => bed.close());

const at = (time: string, metadata: Readonly<Record<string, string>>) =>
  bed.read(
    "cron",
    { desiredReplicas: "10", ...metadata },
    { clock: createVirtualClock(Date.parse(time)) },
  );

describe("the metric's name", () => {
  test.each([
    ["Etc/UTC", "0 0 * * Thu", "59 23 * * Thu", "s0-cron-Etc-UTC-00xxThu-5923xxThu"],
    ["Etc/UTC", "0 */2 * * *", "01 23 * * *", "s0-cron-Etc-UTC-0xSl2xxx-0123xxx"],
    ["Etc/UTC", "0,30 * * * *", "15,45 * * * *", "s0-cron-Etc-UTC-0Cm30xxxx-15Cm45xxxx"],
  ])("in %s from %s to %s is %s", async (timezone, start, end, name) => {
    const trigger = await bed.create("cron", { timezone, start, end, desiredReplicas: "10" });
    expect(await trigger.metricSpecs()).toEqual([
      { metricName: name, metricType: "AverageValue", target: 1 },
    ]);
  });
});

test.each([
  // time, zone, start, end → inside
  ["2026-03-05T12:00:00Z", "Etc/UTC", "0 8 * * *", "0 18 * * *", true],
  ["2026-03-05T19:00:00Z", "Etc/UTC", "0 8 * * *", "0 18 * * *", false],
  ["2026-03-05T07:59:59Z", "Etc/UTC", "0 8 * * *", "0 18 * * *", false],
  ["2026-03-05T08:00:00Z", "Etc/UTC", "0 8 * * *", "0 18 * * *", true],
  ["2026-03-05T18:00:00Z", "Etc/UTC", "0 8 * * *", "0 18 * * *", false],
  ["2026-03-05T23:30:00Z", "Etc/UTC", "0 22 * * *", "0 6 * * *", true], // over midnight
  ["2026-03-05T12:30:00Z", "Etc/UTC", "0 22 * * *", "0 6 * * *", false],
  ["2026-03-05T13:00:00Z", "America/New_York", "0 8 * * *", "0 18 * * *", true], // 8:00 there
  ["2026-03-05T12:59:00Z", "America/New_York", "0 8 * * *", "0 18 * * *", false],
  ["2026-07-01T12:00:00Z", "America/New_York", "0 8 * * *", "0 18 * * *", true], // in summer an hour earlier
  ["2026-03-05T12:00:00Z", "Etc/UTC", "0 0 * * Thu", "59 23 * * Thu", true], // a Thursday
  ["2026-03-06T12:00:00Z", "Etc/UTC", "0 0 * * Thu", "59 23 * * Thu", false],
  ["2026-03-05T10:40:00Z", "Etc/UTC", "0,30 * * * *", "15,45 * * * *", true],
  ["2026-03-05T10:50:00Z", "Etc/UTC", "0,30 * * * *", "15,45 * * * *", false],
  ["2026-03-05T10:26:00Z", "Etc/UTC", "5/20 * * * ?", "15/20 * * * ?", true],
  ["2026-03-13T12:00:00Z", "Etc/UTC", "0 0 1 * Fri", "0 0 2 * Sat", true], // either day will do
])("%s in %s, from %s to %s: %s", async (time, timezone, start, end, active) => {
  expect(await at(time, { timezone, start, end })).toMatchObject({
    value: active ? 10 : 0,
    active,
  });
});

test("a time zone that is not known is an error of the reading, not a zero", async () => {
  const metadata = { timezone: "Mars/Base", start: "0 8 * * *", end: "0 18 * * *" };
  await expect(at("2026-03-05T12:00:00Z", metadata)).rejects.toMatchObject({
    code: "TRIGGER_FAILED",
    message: expect.stringContaining('timezone "Mars/Base" is not known'),
  });
});

const good = { timezone: "Etc/UTC", start: "0 8 * * *", end: "0 18 * * *", desiredReplicas: "1" };

test.each([
  [{ ...good, timezone: "" }, "timezone is required"],
  [{ ...good, start: "" }, "start is required"],
  [{ ...good, end: " " }, "end is required"],
  [{ ...good, desiredReplicas: "" }, "desiredReplicas is required"],
  [{ ...good, desiredReplicas: "0" }, "more than 0"],
  [{ ...good, desiredReplicas: "ten" }, "must be a whole number"],
  [{ ...good, end: good.start }, "must differ"],
  [{ ...good, start: "30 -8 * * *" }, "as its hour"],
  [{ ...good, start: "@daily" }, "five fields"],
  [{ ...good, start: "0 0 8 * * *" }, "five fields"],
  [{ ...good, start: "60 8 * * *" }, "as its minute"],
  [{ ...good, start: "0 8 0 * *" }, "as its day of month"],
  [{ ...good, start: "0 8 * * 7" }, "as its day of week"],
  [{ ...good, start: "0 8 L * *" }, "as its day of month"],
  [{ ...good, start: "0 18-8 * * *" }, "as its hour"],
  [{ ...good, start: "*/0 8 * * *" }, "as its minute"],
])("refuses %j", async (metadata, problem) => {
  await expect(bed.create("cron", metadata)).rejects.toThrow(problem);
});

test("follows the clock from window to window", async () => {
  const clock = createVirtualClock(Date.parse("2026-03-05T07:00:00Z"));
  const window = { timezone: "Etc/UTC", start: "0 8 * * *", end: "0 18 * * *" };
  const trigger = await bed.create("cron", { ...window, desiredReplicas: "3" }, { clock });
  const hours: number[] = [];
  for (let hour = 7; hour < 7 + 48; hour += 1) {
    const [reading] = await trigger.read();
    if (reading?.active) hours.push(hour % 24);
    await clock.advance(3_600_000);
  }
  const open = [8, 9, 10, 11, 12, 13, 14, 15, 16, 17];
  expect(hours).toEqual([...open, ...open]);
});

describe("the window of a schedule", () => {
  const office = { timezone: "Europe/Berlin", start: "0 8 * * *", end: "0 18 * * *" };
  const { opensInMs, replicas } = replicaWindow({ ...office, desiredReplicas: 3 });

  test.each([
    // 8:00 in Berlin is 7:00 in winter, 6:00 in summer.
    ["2026-03-05T06:59:00Z", 60_000],
    ["2026-03-05T07:00:00Z", 0],
    ["2026-03-05T16:59:59Z", 0],
    ["2026-03-05T17:00:00Z", 14 * 3_600_000],
    ["2026-07-05T05:00:00Z", 3_600_000],
    // The night in which clocks go forward is an hour shorter.
    ["2026-03-28T17:00:00Z", 13 * 3_600_000],
  ])("opens, at %s, in %i ms", (time, ms) => {
    expect(opensInMs(Date.parse(time))).toBe(ms);
    expect(replicas).toBe(3);
  });

  test("is what a trigger offers to those who start workers ahead of it", async () => {
    const trigger = await bed.create("cron", { ...office, desiredReplicas: "3" });
    expect(trigger.window?.replicas).toBe(3);
    expect(trigger.window?.opensInMs(Date.parse("2026-03-05T06:00:00Z"))).toBe(3_600_000);
    const lost = await bed.create("cron", { ...office, timezone: "Mars", desiredReplicas: "3" });
    expect(lost.window).toBeUndefined();
  });

  test("that never opens again has no time", () => {
    const never = { ...office, start: "0 8 31 2 *", end: "0 9 30 2 *", desiredReplicas: 1 };
    expect(replicaWindow(never).opensInMs(0)).toBeNull();
  });

  test.each([
    [{ timezone: "Mars" }, "timezone must be an IANA name"],
    [{ start: "8 Uhr" }, "five fields"],
    [{ end: office.start }, "must differ"],
    [{ desiredReplicas: 0 }, "more than 0"],
    [{ desiredReplicas: 1.5 }, "whole number"],
    [{ start: 8 as unknown as string }, "start must be a text; got 8"],
  ])("with %j is refused", (wrong, problem) => {
    const window = { ...office, desiredReplicas: 1, ...wrong };
    expect(() => replicaWindow(window)).toThrow(
      expect.objectContaining({
        code: "OPTION_INVALID",
        message: expect.stringContaining(problem),
      }),
    );
  });
});
