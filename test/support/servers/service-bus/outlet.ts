/** One link on which a client receives from a queue with locks: never more than its credit, and drained on request. */
import rhea, { type Delivery, type Message } from "rhea";
import { encode, tagOf } from "./encoding.ts";
import { type MessageQueue, Refusal } from "./message-queue.ts";
import type { Namespace } from "./namespace.ts";

/** The part of rhea's sender that is used, some of which its types leave out. */
export interface ServerSender {
  readonly name: string;
  readonly source?: { readonly address?: string };
  readonly target?: { readonly address?: string };
  readonly snd_settle_mode?: number;
  readonly session: {
    readonly outgoing: { readonly next_pending_delivery: number };
    readonly connection: { _register(): void };
    _write_flow(): void;
  };
  credit: number;
  delivery_count: number;
  _draining: boolean;
  _get_drain: () => boolean;
  /** Ours: the queue or dead-letter queue that the link is for. */
  queuePath?: string;
  /** Ours. */
  outlet?: Outlet;
  send(message: Message | Buffer, tag?: Buffer, format?: number): { readonly id: number };
  set_drained(isDrained: boolean): void;
  close(error?: { readonly condition: string; readonly description: string }): void;
  is_open(): boolean;
}

/** An outcome as the client gave it. */
interface Outcome {
  readonly undeliverable_here?: boolean;
  readonly message_annotations?: Readonly<Record<string, unknown>>;
  readonly error?: {
    readonly condition: string;
    readonly info?: Readonly<Record<string, unknown>>;
  };
}

/** Links that wait for messages, by queue. */
const waiting = new WeakMap<MessageQueue, Set<Outlet>>();

/** See the top of this file. */
export class Outlet {
  onClose: () => void = () => undefined;
  readonly #link: ServerSender;
  readonly #queue: MessageQueue;
  readonly #namespace: Namespace;
  readonly #tokens = new Map<number, string>();
  readonly #confirmations = new Map<number | "completions", (() => void)[]>();
  /** Handed to rhea and not on the wire yet, so still within its credit. */
  #unsent: readonly number[] = [];

  constructor(link: ServerSender, queue: MessageQueue, namespace: Namespace) {
    this.#link = link;
    this.#queue = queue;
    this.#namespace = namespace;
    link.outlet = this;
    // rhea does not answer a drain when the credit was used up, and then the client would wait for the answer.
    link._get_drain = () => {
      if (!link._draining) return false;
      link.delivery_count += link.credit;
      link.credit = 0;
      return true;
    };
    const all = waiting.get(queue) ?? new Set();
    all.add(this);
    waiting.set(queue, all);
    queue.onReady = () => pump(queue);
  }

  get budget(): number {
    if (!this.#link.is_open()) return 0;
    const { next_pending_delivery } = this.#link.session.outgoing;
    this.#unsent = this.#unsent.filter((id) => id >= next_pending_delivery);
    return this.#link.credit - this.#unsent.length;
  }

  onFlow(): void {
    pump(this.#queue);
    if (this.#link._draining) this.#link.set_drained(true);
  }

  /** Sends the next message. Returns whether there was one. */
  sendNext(): boolean {
    const message = this.#queue.lockNext();
    if (message?.lock == null) return false;
    const { id } = this.#link.send(encode(message), tagOf(message.lock.token), 0);
    this.#tokens.set(id, message.lock.token);
    this.#unsent = [...this.#unsent, id];
    return true;
  }

  settle(outcome: string, delivery: Delivery): void {
    const token = this.#tokens.get(delivery.id);
    if (token === undefined) return;
    const state = delivery.remote_state as unknown as Outcome;
    // A dead-lettering is confirmed without the reason, which would read as a failure.
    let answer: unknown = outcome === "rejected" ? rheaMessage.rejected({}) : state;
    try {
      this.#namespace.checkBusy();
      this.#apply(outcome, token, state);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { condition, message: description } = error;
      answer = rejected(condition, description);
    }
    this.#tokens.delete(delivery.id);
    this.#confirm(delivery, answer);
  }

  /**
   * rhea takes outcomes of neighbouring deliveries that are given in one turn of the event loop together without comparing
   * all of them. So confirmations of completions share a turn, and others have turns for even and for odd numbers.
   */
  #confirm(delivery: Delivery, answer: unknown): void {
    const { composite_type } = (answer as { constructor: { composite_type?: string } }).constructor;
    const kind = composite_type === "accepted" ? "completions" : delivery.id % 2;
    const send = (): void => {
      delivery.update(true, described(answer) as never);
      // The client settles without a word of its own.
      (delivery as unknown as { remote_settled: boolean }).remote_settled = true;
    };
    const waiting = this.#confirmations.get(kind);
    if (waiting) waiting.push(send);
    else this.#confirmations.set(kind, [send]);
    if (this.#confirmations.size === 1 && !waiting) setImmediate(() => this.#sendConfirmations());
  }

  #sendConfirmations(): void {
    for (const [kind, sends] of this.#confirmations) {
      this.#confirmations.delete(kind);
      for (const send of sends) send();
      break;
    }
    if (this.#confirmations.size > 0) setImmediate(() => this.#sendConfirmations());
  }

  close(): void {
    waiting.get(this.#queue)?.delete(this);
    this.onClose();
  }

  #apply(outcome: string, token: string, state: Outcome): void {
    if (outcome === "accepted") this.#queue.complete(token);
    else if (outcome === "released") this.#queue.abandon(token);
    else if (outcome === "rejected") this.#queue.deadLetter(token, state.error?.info ?? {});
    else if (state.undeliverable_here) this.#queue.defer(token, state.message_annotations);
    else this.#queue.abandon(token, state.message_annotations);
  }
}

/** Hands out what is ready, in turn to every link that has credit. */
function pump(queue: MessageQueue): void {
  const outlets = waiting.get(queue) ?? new Set();
  let isMore = true;
  while (isMore) {
    isMore = false;
    for (const outlet of outlets) if (outlet.budget > 0 && outlet.sendNext()) isMore = true;
  }
}

function rejected(condition: string, description: string): unknown {
  return rheaMessage.rejected({ error: { condition, description } });
}

function described(outcome: unknown): unknown {
  return (outcome as { described(): unknown }).described();
}

const rheaMessage = rhea.message as unknown as {
  rejected(fields: { readonly error?: object }): unknown;
};
