import { createLogUpdate } from "log-update";
import { bar } from "./bar.ts";
import { isTerminal } from "./terminal.ts";

/** How far a command has come, drawn on standard error while it is a terminal. */
export interface Progress {
  show(at: {
    readonly published: number;
    readonly skipped: number;
    readonly bytesRead: number;
  }): void;
  done(): void;
}

const drawEveryMs = 100;

/** A bar over `size` bytes, or a counter when the size is not known. Draws nothing when nobody watches. */
export function createProgress(size: number | null): Progress {
  if (!isTerminal(process.stderr)) return { show: () => undefined, done: () => undefined };
  const draw = createLogUpdate(process.stderr);
  let drawnAt = 0;
  return {
    show({ published, skipped, bytesRead }) {
      if (Date.now() - drawnAt < drawEveryMs) return;
      drawnAt = Date.now();
      const counts = `${published} published${skipped > 0 ? `, ${skipped} skipped` : ""}`;
      draw(size === null ? counts : `${bar(bytesRead / size, 30)} ${counts}`);
    },
    done: () => draw.clear(),
  };
}
