/** How many of what there are at this moment; changed in place by whoever changes the thing itself. */
export interface Levels {
  /** Jobs that wait. */
  queue: number;
  /** Jobs that run. */
  slots: number;
  /** Workers requested and not yet ready. */
  starting: number;
  /** Workers that take jobs, with or without some. */
  ready: number;
  /** Of those, the ones with at least one job. */
  busy: number;
  /** Workers that finish what they have and take no more. */
  draining: number;
  /** What the policy asked for last. */
  desired: number;
}

/** Nothing anywhere. */
export function zeroLevels(): Levels {
  return { queue: 0, slots: 0, starting: 0, ready: 0, busy: 0, draining: 0, desired: 0 };
}

/** Time integrals of the levels, in their unit times microseconds. */
export interface Areas {
  queue: number;
  slots: number;
  starting: number;
  ready: number;
  draining: number;
  /** Time without any worker. */
  zero: number;
}

/** Before any time has passed. */
export function noAreas(): Areas {
  return { queue: 0, slots: 0, starting: 0, ready: 0, draining: 0, zero: 0 };
}
