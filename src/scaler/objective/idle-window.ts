/** How many workers were idle at a time. */
export interface IdleSample {
  readonly at: number;
  readonly idle: number;
}

/**
 * The idle counts of a window, of which only those are kept that can still be the lowest: each is lower than all after it.
 * `since` is when they began to be noted, so that a young window is not taken for a long one.
 */
export interface IdleWindow {
  readonly since: number;
  readonly samples: readonly IdleSample[];
}

/** Adds a count and drops those before the window, except that the last of them still holds at its beginning. */
export function noteIdle(
  window: IdleWindow | null,
  latest: IdleSample,
  windowMs: number,
): IdleWindow {
  const earlier = window?.samples ?? [];
  const from = latest.at - windowMs;
  const samples = earlier.filter((one) => one.idle < latest.idle && one.at >= from);
  return { since: window?.since ?? latest.at, samples: [...samples, latest] };
}

/** The workers that were idle all the time; none while the window is younger than it is long. */
export function idleThroughout(window: IdleWindow, at: number, windowMs: number): number {
  if (at - window.since < windowMs) return 0;
  // The earlier, the lower: the first of the time asked for is the lowest of it.
  return Math.max(0, window.samples.find((one) => one.at >= at - windowMs)?.idle ?? 0);
}

/** The window without workers that leave. */
export function withoutReleased(window: IdleWindow, released: number): IdleWindow {
  if (released === 0) return window;
  const samples = window.samples.map((one) => ({ ...one, idle: one.idle - released }));
  return { ...window, samples };
}
