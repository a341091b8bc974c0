import { SluiceError } from "../../core/index.ts";
import { constant, type Distribution } from "../distribution.ts";
import { type Random, randomStream } from "../random.ts";
import {
  drawServices,
  modulatedArrivals,
  poissonArrivals,
  type Rate,
  withBatch,
} from "./arrivals.ts";
import { createLoad, type Load, second } from "./load.ts";

/** A load by name: how it arrives, how long its jobs take. The numbers are fixed here, so that a name says it all. */
interface Workload {
  readonly about: string;
  readonly spanSeconds: number;
  readonly arrivals: (spanUs: number, random: Random) => Float64Array;
  readonly service: Distribution;
  /** Changes service times by the time of arrival. */
  readonly stretch?: (us: number) => number;
  /** The share of jobs that fail `times` attempts. */
  readonly poison?: { readonly share: number; readonly times: number };
}

const minute = 60;
const hour = 3600;
const day = 24 * hour;

const exponentialSecond: Distribution = { kind: "exponential", meanMs: 1000 };

const constantRate = (perSecond: number): Rate => ({
  perSecond: () => perSecond,
  peakPerSecond: perSecond,
});

const poisson =
  (rate: Rate) =>
  (spanUs: number, random: Random): Float64Array =>
    poissonArrivals(spanUs, rate, random);

/** From `low` to `high` and back over each period, lowest at its beginning. */
const sine = (low: number, high: number, periodSeconds: number) => (us: number) =>
  low + ((high - low) / 2) * (1 - Math.cos((2 * Math.PI * us) / (periodSeconds * second)));

const dailySine = sine(1, 20, day);
const isWeekend = (us: number): boolean => Math.floor(us / (day * second)) % 7 >= 5;

const table: Readonly<Record<string, Workload>> = {
  steady: {
    about: "10 jobs/s, exponential 1 s, 1 h",
    spanSeconds: hour,
    arrivals: poisson(constantRate(10)),
    service: exponentialSecond,
  },
  step: {
    about: "2, then 20, then 2 jobs/s for 20 min each, exponential 1 s",
    spanSeconds: hour,
    arrivals: poisson({
      perSecond: (us) => (us >= 20 * minute * second && us < 40 * minute * second ? 20 : 2),
      peakPerSecond: 20,
    }),
    service: exponentialSecond,
  },
  ramp: {
    about: "0 to 30 jobs/s over 1 h, exponential 1 s",
    spanSeconds: hour,
    arrivals: poisson({ perSecond: (us) => (30 * us) / (hour * second), peakPerSecond: 30 }),
    service: exponentialSecond,
  },
  spike: {
    about: "1 job/s for 1 h and 5,000 at once after 20 min, lognormal 0.5 s",
    spanSeconds: hour,
    arrivals: (spanUs, random) =>
      withBatch(poissonArrivals(spanUs, constantRate(1), random), 20 * minute * second, 5000),
    service: { kind: "lognormal", meanMs: 500, sigma: 0.5 },
  },
  diurnal: {
    about: "1 to 20 jobs/s as a sine over 24 h, exponential 1 s",
    spanSeconds: day,
    arrivals: poisson({ perSecond: dailySine, peakPerSecond: 20 }),
    service: exponentialSecond,
  },
  weekly: {
    about: "seven days of diurnal, a quarter of it on the last two, exponential 1 s",
    spanSeconds: 7 * day,
    arrivals: poisson({
      perSecond: (us) => dailySine(us) * (isWeekend(us) ? 0.25 : 1),
      peakPerSecond: 20,
    }),
    service: exponentialSecond,
  },
  mmpp: {
    about: "2 jobs/s for 300 s and 40 jobs/s for 60 s in turn (means), exponential 1 s, 6 h",
    spanSeconds: 6 * hour,
    arrivals: (spanUs, random) =>
      modulatedArrivals(
        spanUs,
        [
          { perSecond: 2, meanSeconds: 300 },
          { perSecond: 40, meanSeconds: 60 },
        ],
        random,
      ),
    service: exponentialSecond,
  },
  heavy: {
    about: "10 jobs/s, lognormal mean 1 s sigma 2 capped at 600 s, 2 h",
    spanSeconds: 2 * hour,
    arrivals: poisson(constantRate(10)),
    service: { kind: "lognormal", meanMs: 1000, sigma: 2, capMs: 600_000 },
  },
  sporadic: {
    about: "one job every 120 s (mean) of 2 s, 24 h",
    spanSeconds: day,
    arrivals: poisson(constantRate(1 / 120)),
    service: constant(2000),
  },
  batch: {
    about: "10,000 jobs at once at each full hour, lognormal 0.5 s, 6 h",
    spanSeconds: 6 * hour,
    arrivals: (spanUs) => {
      const hours = Math.floor(spanUs / (hour * second));
      return Float64Array.from(
        { length: hours * 10_000 },
        (_, job) => Math.floor(job / 10_000) * hour * second,
      );
    },
    service: { kind: "lognormal", meanMs: 500, sigma: 0.5 },
  },
  poison: {
    about: "10 jobs/s, exponential 1 s, 1 % fail five times before they end well, 1 h",
    spanSeconds: hour,
    arrivals: poisson(constantRate(10)),
    service: exponentialSecond,
    poison: { share: 0.01, times: 5 },
  },
  "slow-down": {
    about: "10 jobs/s, exponential 1 s, 2 s for jobs that arrive after 30 min, 1 h",
    spanSeconds: hour,
    arrivals: poisson(constantRate(10)),
    service: exponentialSecond,
    stretch: (us) => (us >= 30 * minute * second ? 2 : 1),
  },
  long: {
    about: "one job every 5 min (mean) of 30 min (lognormal, sigma 0.25), 24 h",
    spanSeconds: day,
    arrivals: poisson(constantRate(1 / 300)),
    service: { kind: "lognormal", meanMs: 30 * minute * 1000, sigma: 0.25 },
  },
};

/** The names that {@link generateLoad} knows, each with what it stands for. */
export const workloads: readonly { readonly name: string; readonly about: string }[] =
  Object.entries(table).map(([name, { about }]) => ({ name, about }));

/**
 * A load of the table by its name. The same name and seed make the same load, to the microsecond, on every machine.
 * Throws `OPTION_INVALID` for a name that there is not.
 *
 * @example
 * const load = generateLoad("mmpp", { seed: 7 });
 */
export function generateLoad(name: string, options: { readonly seed?: number } = {}): Load {
  const workload = Object.hasOwn(table, name) ? table[name] : undefined;
  if (workload === undefined)
    throw new SluiceError(
      "OPTION_INVALID",
      `there is no load named ${name}; there are ${Object.keys(table).join(", ")}.`,
    );
  const seed = options.seed ?? 1;
  const spanUs = workload.spanSeconds * second;
  const arrivalUs = workload.arrivals(spanUs, randomStream(seed, "arrivals"));
  const serviceUs = drawServices(
    arrivalUs.length,
    workload.service,
    randomStream(seed, "services"),
  );
  stretch(serviceUs, arrivalUs, workload);
  const failures = drawFailures(arrivalUs.length, workload, randomStream(seed, "failures"));
  const notes = [`${workload.about}; seed ${seed}`];
  return createLoad({ name, arrivalUs, serviceUs, failures, spanUs, notes });
}

function stretch(services: Float64Array, arrivals: Float64Array, { stretch: by }: Workload): void {
  if (by === undefined) return;
  for (let job = 0; job < services.length; job += 1)
    services[job] = Math.round((services[job] ?? 0) * by(arrivals[job] ?? 0));
}

function drawFailures(count: number, { poison }: Workload, random: Random): Uint8Array | null {
  if (poison === undefined) return null;
  return Uint8Array.from({ length: count }, () => (random() < poison.share ? poison.times : 0));
}
