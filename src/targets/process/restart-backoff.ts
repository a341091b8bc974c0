/** The first pause before a crashed worker is started again. */
export const firstRestartMs = 250;
/** A worker that lived this long starts with the first pause again. */
export const healthyAfterMs = 30_000;

/** The pause after crash number `crashes` (1-based) in a row: 250 ms, doubled each time up to `maxMs`. */
export function restartDelayMs(crashes: number, maxMs: number): number {
  return Math.min(maxMs, firstRestartMs * 2 ** (crashes - 1));
}
