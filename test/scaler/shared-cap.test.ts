import { describe, expect, test } from "vitest";
import {
  createObjectiveEngine,
  createSharedCap,
  type Decision,
  type ObjectiveState,
  type ScalerEngine,
  type SharedCap,
  type SharedCapMember,
  type Target,
  toTargetStatus,
  type WorkerState,
  type WorkerStatus,
} from "../../src/scaler/index.ts";
import { parseSpecs } from "../../src/specs/index.ts";
import { createVirtualClock, type VirtualClock } from "../../src/testing/index.ts";
import { type RecordingLogger, recordingLogger } from "../support/recording-logger.ts";
import { type SteeredTrigger, steeredTrigger } from "./steered-object.ts";

/** From scale to ready, and from being told to go to being gone, in milliseconds. */
const [startMs, leaveMs] = [400, 300];

interface Worker {
  id: string;
  state: WorkerState;
  startedAt: number;
  since: number;
}

/** Workers that start and leave in time; the test says how many of the ready ones are busy. */
class Workers implements Target {
  busy = 0;
  failure: string | null = null;
  readonly #clock: VirtualClock;
  #made = 0;
  #list: Worker[] = [];

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#list.length;
  }

  async status() {
    const now = this.#clock.now();
    const ready = this.#list.filter(({ state }) => state === "idle" || state === "busy");
    for (const [index, worker] of ready.entries())
      worker.state = index < this.busy ? "busy" : "idle";
    return toTargetStatus(
      this.#list.map(
        (worker): WorkerStatus => ({
          ...worker,
          ...{ readyAt: worker.startedAt + startMs, since: Math.min(worker.since, now) },
          ...{ completed: 0, failed: 0, inFlight: worker.state === "busy" ? 1 : 0 },
        }),
      ),
    );
  }

  async scale(to: number): Promise<void> {
    if (this.failure !== null) throw new Error(this.failure);
    const kept = this.#list.filter(({ state }) => state !== "draining");
    for (const worker of kept.toReversed().slice(0, Math.max(0, kept.length - to))) {
      expect(worker.state).toBe("idle");
      worker.state = "draining";
      this.#clock.after(leaveMs, () => {
        this.#list = this.#list.filter((one) => one !== worker);
      });
    }
    for (let count = kept.length; count < to; count += 1) this.#start();
  }

  #start(): void {
    const now = this.#clock.now();
    this.#made += 1;
    const id = `w${this.#made}`;
    const worker: Worker = { id, state: "starting", startedAt: now, since: now };
    this.#list.push(worker);
    this.#clock.after(startMs, () => {
      if (worker.state === "starting") worker.state = "idle";
    });
  }

  async close(): Promise<void> {
    this.#list = [];
  }
}

interface Unit {
  readonly trigger: SteeredTrigger;
  readonly workers: Workers;
  readonly member: SharedCapMember;
  readonly logger: RecordingLogger;
  readonly decisions: Decision[];
  engine: ScalerEngine<ObjectiveState>;
  /** Another engine for the same object, as after a change of its spec. */
  renew(annotations?: string): Promise<void>;
}

/** An object with an objective of 30 s, which looks every 5 s. */
function unit(cap: SharedCap, clock: VirtualClock, name: string): Unit {
  const [workers, logger] = [new Workers(clock), recordingLogger()];
  const [trigger, member] = [steeredTrigger(0, "redis"), cap.join(name)];
  const decisions: Decision[] = [];
  const build = (annotations = "", initialState?: ObjectiveState) => {
    const text = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: ${name}
  annotations: {sluice.dev/objective: "maxWait=30s,startCost=60s", sluice.dev/shared-cap: gpu=4${annotations}}
spec:
  scaleTargetRef: {name: ${name}}
  triggers: [{type: redis, metadata: {listName: q}}]
`;
    const [object] = parseSpecs(text, "test.yaml").scaledObjects;
    if (object === undefined) throw new Error("no ScaledObject");
    return createObjectiveEngine({
      ...{ name, object, triggers: [trigger], target: workers, clock, logger, sharedCap: member },
      onDecision: (decision) => decisions.push(decision),
      ...(initialState && { initialState }),
    });
  };
  const made: Unit = {
    ...{ trigger, workers, member, logger, decisions, engine: build() },
    async renew(annotations) {
      await made.engine.stop();
      made.engine = build(annotations, made.engine.state);
      made.engine.start();
    },
  };
  made.engine.start();
  return made;
}

function pair() {
  const clock = createVirtualClock();
  const cap = createSharedCap("gpu", 4);
  const [mail, report] = [unit(cap, clock, "mail"), unit(cap, clock, "report")];
  const stop = () => Promise.all([mail.engine.stop(), report.engine.stop()]);
  return { clock, cap, mail, report, stop };
}

/** A backlog that keeps all of the cap busy for long. */
function load({ trigger, workers }: Unit): void {
  trigger.value = 400;
  workers.busy = 9;
  trigger.push();
}

/** Its queue is empty, its workers idle and kept alive. */
function quiet({ trigger, workers }: Unit): void {
  trigger.value = 0;
  workers.busy = 0;
}

describe("engines under a shared cap", () => {
  test("have idle workers given up soon after another's need, long before the next poll, and never more than the cap", async () => {
    const { clock, mail, report, stop } = pair();
    await clock.advance(100);
    load(mail);
    await clock.advance(1000);
    expect(mail.workers.count).toBe(4);
    load(mail);
    await clock.advance(100);
    quiet(mail);
    await clock.advance(400);
    expect(mail.workers.count).toBe(4);
    load(report);
    for (let ms = 0; ms < 2000; ms += 50) {
      await clock.advance(50);
      expect(mail.workers.count + report.workers.count).toBeLessThanOrEqual(4);
    }
    expect([mail.workers.count, report.workers.count]).toEqual([0, 4]);
    const given = mail.decisions.findLast(({ rule }) => rule === "shared-cap");
    expect(given?.reasons[0]?.text).toBe("4 wanted, 4 given up: gpu allows 4");
    await stop();
    expect(clock.armedTimers).toBe(0);
  });

  test("let the needy one wait for busy workers, look every second meanwhile, and say so once a minute", async () => {
    const { clock, mail, report, stop } = pair();
    await clock.advance(100);
    load(mail);
    await clock.advance(2000);
    load(report);
    await clock.advance(10_000);
    expect([mail.workers.count, report.workers.count]).toEqual([4, 0]);
    const told = report.logger.messages("info");
    expect(told.filter((one) => one === "kept back by a shared cap")).toHaveLength(1);
    const looks = mail.decisions.length;
    await clock.advance(10_000);
    expect(mail.decisions.length - looks).toBeGreaterThanOrEqual(9);
    mail.workers.busy = 1;
    mail.trigger.value = 0;
    await clock.advance(2000);
    expect([mail.workers.count, report.workers.count]).toEqual([1, 3]);
    await stop();
  });
});

describe("engines under a shared cap, whatever happens to one,", () => {
  test("keep their part when an engine is built anew, also for one that is paused to shrink", async () => {
    const { clock, mail, report, stop } = pair();
    await clock.advance(100);
    load(mail);
    await clock.advance(1000);
    quiet(mail);
    await mail.renew(", autoscaling.keda.sh/paused-scale-in: 'true'");
    load(report);
    await clock.advance(3000);
    expect([mail.workers.count, report.workers.count]).toEqual([4, 0]);
    await mail.renew();
    await clock.advance(2000);
    expect([mail.workers.count, report.workers.count]).toEqual([0, 4]);
    await stop();
  });

  test("hold what a failed reading leaves unknown, and try a start that failed again", async () => {
    const { clock, mail, report, stop } = pair();
    await clock.advance(100);
    mail.trigger.value = 400;
    mail.trigger.push();
    await clock.advance(1000);
    mail.trigger.failure = "no answer";
    await clock.advance(6000);
    report.workers.failure = "no command";
    load(report);
    await clock.advance(2000);
    expect([mail.workers.count, report.workers.count]).toEqual([4, 0]);
    mail.trigger.failure = null;
    quiet(mail);
    await clock.advance(6000);
    expect([mail.workers.count, report.workers.count]).toEqual([0, 0]);
    report.workers.failure = null;
    await clock.advance(6000);
    expect(report.workers.count).toBe(4);
    await stop();
  });

  test("have all of it again when the other leaves, and follow its size", async () => {
    const { clock, cap, mail, report, stop } = pair();
    await clock.advance(100);
    load(mail);
    await clock.advance(1000);
    load(report);
    await mail.engine.stop();
    await mail.workers.close();
    mail.member.leave();
    await clock.advance(1000);
    expect(report.workers.count).toBe(4);
    cap.resize(6);
    await clock.advance(1000);
    expect(report.workers.count).toBe(6);
    await stop();
  });
});
