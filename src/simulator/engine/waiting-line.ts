/**
 * The jobs that are ready and wait, in the order in which they became ready. First deliveries need no memory, since they
 * stand in the load in that order: two indices bound them. Those that came back (retries, redeliveries) queue beside them.
 */
export class WaitingLine {
  readonly #arrivalUs: Float64Array;
  #returned: ReturnedJob[] = [];
  #returnedHead = 0;
  /** The next first delivery. */
  #head = 0;
  /** Jobs that have arrived so far. */
  arrived = 0;
  /** Sum of the times that returned jobs waited, from their return. */
  returnedWaitUs = 0;

  constructor(arrivalUs: Float64Array) {
    this.#arrivalUs = arrivalUs;
  }

  get size(): number {
    return this.arrived - this.#head + this.#returned.length - this.#returnedHead;
  }

  /** Whether all that wait came back, or nothing waits. */
  get #isReturnedNext(): boolean {
    const returned = this.#returned[this.#returnedHead];
    if (returned === undefined) return false;
    if (this.#head === this.arrived) return true;
    return returned.readyAt < (this.#arrivalUs[this.#head] as number);
  }

  /** Takes the next job; a first delivery is its index, one that came back the complement (`~`) of it. Only when not empty. */
  take(now: number): number {
    if (this.#returnedHead < this.#returned.length && this.#isReturnedNext) {
      const returned = this.#returned[this.#returnedHead] as ReturnedJob;
      this.#returnedHead += 1;
      if (this.#returnedHead === this.#returned.length) {
        this.#returned = [];
        this.#returnedHead = 0;
      }
      this.returnedWaitUs += now - returned.readyAt;
      return ~returned.job;
    }
    this.#head += 1;
    return this.#head - 1;
  }

  /** A job is ready again. */
  giveBack(job: number, now: number): void {
    this.#returned.push({ job, readyAt: now });
  }

  /** Since when the longest-waiting job has been ready; `now` when none waits. */
  oldestSince(now: number): number {
    if (this.#isReturnedNext) return this.#returned[this.#returnedHead]?.readyAt ?? now;
    return this.#head < this.arrived ? (this.#arrivalUs[this.#head] as number) : now;
  }

  /** First deliveries that wait longer than `limitUs`, and the waits until now of all that wait. */
  leftAt(now: number, limitUs: number): { readonly late: number; readonly waitUs: number } {
    let late = 0;
    let waitUs = 0;
    for (let job = this.#head; job < this.arrived; job += 1) {
      const wait = now - (this.#arrivalUs[job] as number);
      waitUs += wait;
      if (wait > limitUs) late += 1;
    }
    for (const { readyAt } of this.#returned.slice(this.#returnedHead)) waitUs += now - readyAt;
    return { late, waitUs };
  }
}

interface ReturnedJob {
  readonly job: number;
  readonly readyAt: number;
}
