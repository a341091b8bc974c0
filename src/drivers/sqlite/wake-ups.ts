/**
 * Tells watchers of a queue that it may have work, also when another process wrote it. SQLite has no notifications, but
 * every commit appends to the file `…-wal`, and the operating system tells of that (inotify, kqueue): an idle process
 * sleeps and hears of a publish within a few milliseconds. Where the system cannot watch files, a look every 20 ms takes
 * its place. Either way each watched queue is looked at once a second, in case an event went missing.
 *
 * A look is one read of the queue's prospect. It calls the watchers when something is ready, else it sets a timer for
 * the next delay or lease to end.
 */
import { watch as watchFile } from "node:fs";
import type { Cancel, Clock, Logger } from "../../core/index.ts";
import type { Prospect } from "./store.ts";

/** What wake-ups are made from. */
export interface WakeUpOptions {
  /** The database file; the log beside it is watched. */
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** May throw; see `prospectOf`. */
  readonly prospect: (queue: string) => Prospect;
}

/** See the top of this file. */
export interface WakeUps {
  watch(queue: string, onReady: () => void): Cancel;
  /** This process has just made a message ready. */
  announce(queue: string): void;
  close(): void;
}

interface WatchedQueue {
  readonly listeners: Set<() => void>;
  cancelTimer: Cancel | null;
}

const safetyLookMs = 1000;
const blindLookMs = 20;
/** The pauses between the looks that follow an event. */
const echoesMs = [2, 6, 18, 54, 162] as const;

/** Starts watching with the first watcher and stops with the last. */
export function createWakeUps(options: WakeUpOptions): WakeUps {
  const { clock } = options;
  const queues = new Map<string, WatchedQueue>();
  let stop: Cancel | null = null;

  function look(queue: string, watched: WatchedQueue): void {
    watched.cancelTimer?.();
    watched.cancelTimer = null;
    const prospect = prospectOf(queue);
    const { nextAt } = prospect;
    if (prospect.ready || (nextAt !== null && nextAt <= clock.now())) {
      for (const listener of [...watched.listeners]) listener();
    } else if (nextAt !== null) {
      watched.cancelTimer = clock.after(nextAt - clock.now(), () => look(queue, watched));
    }
  }

  /** After a failed look there may be work, and whoever asks for it is told what is wrong: a timer can tell nobody. */
  function prospectOf(queue: string): Prospect {
    try {
      return options.prospect(queue);
    } catch {
      return { ready: true, nextAt: null };
    }
  }

  function lookAtAll(): void {
    for (const [queue, watched] of queues) look(queue, watched);
  }

  function start(): Cancel {
    const echoes = withEchoes(clock, lookAtAll);
    const stopWatching = watchLog(options, echoes.run);
    const timer = setInterval(lookAtAll, stopWatching === null ? blindLookMs : safetyLookMs);
    return () => {
      stopWatching?.();
      clearInterval(timer);
      echoes.cancel();
    };
  }

  return {
    watch(queue, onReady) {
      stop ??= start();
      const watched = queues.get(queue) ?? { listeners: new Set(), cancelTimer: null };
      queues.set(queue, watched);
      const listener = (): void => onReady();
      watched.listeners.add(listener);
      setImmediate(() => watched.listeners.has(listener) && look(queue, watched));
      return () => {
        watched.listeners.delete(listener);
        if (watched.listeners.size > 0 || queues.get(queue) !== watched) return;
        watched.cancelTimer?.();
        queues.delete(queue);
        if (queues.size === 0) {
          stop?.();
          stop = null;
        }
      };
    },
    announce(queue) {
      const watched = queues.get(queue);
      if (watched) setImmediate(() => watched.listeners.size > 0 && look(queue, watched));
    },
    close() {
      for (const watched of queues.values()) {
        watched.cancelTimer?.();
        watched.listeners.clear();
      }
      queues.clear();
      stop?.();
      stop = null;
    },
  };
}

/**
 * Looks at once and then again after growing pauses, since the system tells of a write before the writer has synced the
 * disk and the commit can be seen: the disk's slowness is not known here, and the pauses stay in proportion to it.
 * Events that come within the first pause change nothing, so that a stream of commits costs a look per pause at most.
 */
function withEchoes(clock: Clock, look: () => void): { run(): void; cancel(): void } {
  let cancelTimer: Cancel | null = null;
  let step = 0;
  function arm(): void {
    cancelTimer = clock.after(echoesMs[step] ?? 0, () => {
      cancelTimer = null;
      step += 1;
      look();
      if (step < echoesMs.length) arm();
    });
  }
  return {
    run() {
      if (cancelTimer !== null && step === 0) return;
      cancelTimer?.();
      step = 0;
      look();
      arm();
    },
    cancel: () => cancelTimer?.(),
  };
}

function watchLog(options: WakeUpOptions, onChange: () => void): Cancel | null {
  const log = `${options.path}-wal`;
  try {
    const watcher = watchFile(log, { persistent: false }, onChange);
    watcher.on("error", (error) =>
      options.logger.warn("watching the log failed; looking once a second", { log, error }),
    );
    return () => watcher.close();
  } catch (error) {
    options.logger.warn(`the system cannot watch files; looking every ${blindLookMs} ms`, {
      log,
      error,
    });
    return null;
  }
}
