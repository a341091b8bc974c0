import { appendFileSync, writeFileSync } from "node:fs";
import { type Cancel, type Clock, describeError, SluiceError } from "../../core/index.ts";
import type { Decision, Target, WorkerStatus } from "../../scaler/index.ts";
import type { RecordedWorker, RecordingHeader, RecordingLine } from "../../simulator/index.ts";

/** What is noted down of a run, besides what its workers write themselves. */
export interface Recorder {
  noteDecision(decision: Decision): void;
  /** Follows the workers until the end. */
  follow(target: Target): void;
  /** Writes the end. */
  end(): Promise<void>;
}

/** Workers are looked at this often: what their lives are recorded to. */
const everyMs = 50;

/** Begins a recording, in place of what the file held. Throws `OPTION_INVALID` where it cannot be written. */
export function startRecording(
  file: string,
  clock: Clock,
  run: Omit<RecordingHeader, "type" | "version" | "at">,
): Recorder {
  const header: RecordingLine = { type: "recording", version: 1, at: clock.now(), ...run };
  begin(file, header);
  const write = (line: RecordingLine): void => appendFileSync(file, `${JSON.stringify(line)}\n`);
  const lives = createLives((line) => write(line), clock);
  let cancel: Cancel = () => undefined;
  let followed: Target | null = null;

  async function look(): Promise<void> {
    if (followed !== null) lives.note((await followed.status()).workers);
  }

  return {
    noteDecision({ at, current, replicas, rule, reasons }) {
      if (current === replicas) return;
      const code = reasons[0]?.code ?? rule;
      write({ type: "decision", at, from: current, to: replicas, rule, code });
    },
    follow(target) {
      followed = target;
      const again = (): void => {
        void look();
        cancel = clock.after(everyMs, again);
      };
      again();
    },
    async end() {
      cancel();
      await look();
      write({ type: "end", at: clock.now() });
    },
  };
}

function begin(file: string, header: RecordingLine): void {
  try {
    writeFileSync(file, `${JSON.stringify(header)}\n`);
  } catch (cause) {
    const message = `--record must be a file that can be written: ${describeError(cause)}. Name another.`;
    throw new SluiceError("OPTION_INVALID", message, { cause });
  }
}

type Step = RecordedWorker["step"];

/** Makes steps of statuses. A worker that is started again is another one, `w1#2`. */
function createLives(write: (line: RecordedWorker) => void, clock: Clock) {
  const told = new Map<string, Set<Step>>();
  const lifeOf = new Map<string, { readonly startedAt: number; readonly life: number }>();

  function tell(id: string, step: Step, at: number): void {
    const steps = told.get(id) ?? new Set();
    if (steps.has(step)) return;
    told.set(id, steps.add(step));
    write({ type: "worker", id, step, at });
  }

  function nameOf({ id, startedAt }: WorkerStatus): string {
    const last = lifeOf.get(id);
    const isSame = last?.startedAt === startedAt;
    const life = isSame ? last.life : (last?.life ?? 0) + 1;
    if (!isSame) lifeOf.set(id, { startedAt, life });
    return life === 1 ? id : `${id}#${life}`;
  }

  function noteOne(worker: WorkerStatus): string {
    const name = nameOf(worker);
    tell(name, "requested", worker.startedAt);
    if (worker.readyAt !== undefined) tell(name, "ready", worker.readyAt);
    if (worker.state === "draining") tell(name, "draining", worker.since);
    return name;
  }

  return {
    note(workers: readonly WorkerStatus[]): void {
      const present = new Set<string>();
      for (const worker of workers) if (worker.state !== "crashed") present.add(noteOne(worker));
      for (const name of told.keys()) if (!present.has(name)) tell(name, "gone", clock.now());
    },
  };
}
