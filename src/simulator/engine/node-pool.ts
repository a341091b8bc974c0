import { millisecond } from "../loads/load.ts";
import type { NodeModel } from "./models.ts";

interface Node {
  used: number;
  /** When workers can begin to start on it. */
  readonly bootedAt: number;
  /** When its last worker left; only while `used` is 0. */
  emptySince: number;
}

/** Machines: a worker goes on the first with room, or on a new one that must boot. */
export class NodePool {
  readonly #model: NodeModel;
  readonly #boot: () => number;
  #nodes: Node[] = [];
  readonly #nodeOf = new Map<number, Node>();

  constructor(model: NodeModel, boot: () => number) {
    this.#model = model;
    this.#boot = boot;
  }

  /** When the worker can begin to start. */
  place(worker: number, now: number, isBooted = false): number {
    const keepUs = this.#model.keepMs * millisecond;
    this.#nodes = this.#nodes.filter(
      ({ used, emptySince }) => used > 0 || emptySince + keepUs >= now,
    );
    let node = this.#nodes.find(({ used }) => used < this.#model.slotsPerNode);
    if (node === undefined) {
      node = { used: 0, bootedAt: isBooted ? now : now + this.#boot(), emptySince: now };
      this.#nodes.push(node);
    }
    node.used += 1;
    this.#nodeOf.set(worker, node);
    return Math.max(now, node.bootedAt);
  }

  release(worker: number, now: number): void {
    const node = this.#nodeOf.get(worker);
    if (node === undefined) return;
    this.#nodeOf.delete(worker);
    node.used -= 1;
    if (node.used === 0) node.emptySince = now;
  }
}
