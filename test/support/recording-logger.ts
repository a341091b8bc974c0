import { createLogger, type LogEntry, type Logger } from "../../src/core/index.ts";

/** A logger that keeps what it is told. */
export interface RecordingLogger extends Logger {
  readonly entries: readonly LogEntry[];
  /** The messages of one level, oldest first. */
  messages(level: LogEntry["level"]): readonly string[];
}

export function recordingLogger(): RecordingLogger {
  const entries: LogEntry[] = [];
  return {
    ...createLogger("debug", (entry) => entries.push(entry)),
    entries,
    messages: (level) =>
      entries.filter((entry) => entry.level === level).map((entry) => entry.message),
  };
}
