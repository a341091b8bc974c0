import type { Logger } from "../core/index.ts";

/** Reports failures that repeat: once when they appear, once per change of their text, once when they are over. */
export interface FailureLog {
  /** `text` says how `activity` fails now; null, that it succeeds. */
  note(activity: string, text: string | null): void;
}

/** A {@link FailureLog} that writes to `logger`: an error when something fails, a line of information when it works again. */
export function createFailureLog(logger: Logger): FailureLog {
  const failing = new Map<string, string>();
  return {
    note(activity, text) {
      const before = failing.get(activity);
      if (text === null) {
        if (failing.delete(activity)) logger.info(`${activity} works again`);
        return;
      }
      if (text === before) return;
      failing.set(activity, text);
      logger.error(`${activity} failed`, { error: text });
    },
  };
}
