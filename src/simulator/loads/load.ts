import { SluiceError } from "../../core/index.ts";

/**
 * What arrives and how long each job takes, in typed arrays: 16 bytes a job, 17 where jobs fail. Times are whole
 * microseconds from the beginning of the load, exact in a double up to 285 years.
 */
export interface Load {
  /** For reports, such as `spike` or the name of a file. */
  readonly name: string;
  /** Ascending. */
  readonly arrivalUs: Float64Array;
  readonly serviceUs: Float64Array;
  /** How many attempts of each job fail before one ends well; null: none fails. */
  readonly failures: Uint8Array | null;
  /** The load is observed from 0 until here, also where the last job comes earlier. */
  readonly spanUs: number;
  /** The time of 0, in milliseconds since 1970; 0 where the load has no date. */
  readonly originMs: number;
  /** What a reader of results must know, such as how counts became arrivals. */
  readonly notes: readonly string[];
}

/** One second and one millisecond in the unit of loads. */
export const second = 1_000_000;
/** See {@link second}. */
export const millisecond = 1000;

/** The jobs of a load. */
export function jobCount(load: Load): number {
  return load.arrivalUs.length;
}

/** The sum of all service times, in microseconds: what any policy must at least run. */
export function totalWorkUs(load: Load): number {
  let sum = 0;
  for (const service of load.serviceUs) sum += service;
  return sum;
}

/** A load from plain numbers, checked. Throws `LOAD_INVALID` naming the first job that is wrong. */
export function createLoad(parts: {
  readonly name: string;
  readonly arrivalUs: Float64Array;
  readonly serviceUs: Float64Array;
  readonly failures?: Uint8Array | null;
  readonly spanUs?: number;
  readonly originMs?: number;
  readonly notes?: readonly string[];
}): Load {
  const { arrivalUs, serviceUs } = parts;
  if (arrivalUs.length !== serviceUs.length)
    throw new SluiceError(
      "LOAD_INVALID",
      `a load must have a service time for each arrival; got ${arrivalUs.length} arrivals and ${serviceUs.length} service times.`,
    );
  let last = 0;
  for (let job = 0; job < arrivalUs.length; job += 1) {
    const at = arrivalUs[job] ?? Number.NaN;
    const service = serviceUs[job] ?? Number.NaN;
    if (!(at >= last && Number.isSafeInteger(at)))
      throw new SluiceError(
        "LOAD_INVALID",
        `job ${job} must arrive at a whole microsecond from ${last}, when the one before it does; got ${at}. Sort the jobs.`,
      );
    if (!(service >= 0 && Number.isSafeInteger(service)))
      throw new SluiceError(
        "LOAD_INVALID",
        `job ${job} must take whole microseconds, 0 or more; got ${service}.`,
      );
    last = at;
  }
  return {
    name: parts.name,
    arrivalUs,
    serviceUs,
    failures: parts.failures ?? null,
    spanUs: Math.max(parts.spanUs ?? 0, last),
    originMs: parts.originMs ?? 0,
    notes: parts.notes ?? [],
  };
}

/**
 * The jobs that arrive from `fromUs` until before `toUs`, as a load of their own that begins at `fromUs`: a fold. The
 * arrays are views where nothing needs to be moved.
 */
export function sliceLoad(load: Load, fromUs: number, toUs: number): Load {
  const from = firstFrom(load.arrivalUs, fromUs);
  const to = firstFrom(load.arrivalUs, toUs);
  const arrivalUs = load.arrivalUs.slice(from, to);
  for (let job = 0; job < arrivalUs.length; job += 1)
    arrivalUs[job] = (arrivalUs[job] ?? 0) - fromUs;
  return {
    ...load,
    arrivalUs,
    serviceUs: load.serviceUs.subarray(from, to),
    failures: load.failures?.subarray(from, to) ?? null,
    spanUs: Math.min(toUs, load.spanUs) - fromUs,
    originMs: load.originMs + fromUs / millisecond,
  };
}

/** Index of the first entry that is not before `at`. */
export function firstFrom(sorted: Float64Array, at: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
