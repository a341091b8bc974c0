/** What both doors of the server, AMQP and HTTP, work on: queues by name, who may use them, and what is broken on purpose. */
import { MessageQueue, type QueueSettings, Refusal } from "./message-queue.ts";
import type { Claim, SharedKey, TokenCheck } from "./tokens.ts";

/** How a namespace is set up. */
export interface NamespaceOptions {
  readonly keys: readonly SharedKey[];
  readonly sku: "Basic" | "Standard" | "Premium";
  /** A key and a certificate for AMQP with TLS, which a credential of Entra ID takes. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Of queues that are created without a word about it. */
  readonly settings: QueueSettings;
}

/** See the top of this file. */
export class Namespace implements TokenCheck {
  readonly keys: readonly SharedKey[];
  readonly bearers: Map<string, Claim> = new Map();
  readonly sku: NamespaceOptions["sku"];
  readonly settings: QueueSettings;
  readonly tls: NamespaceOptions["tls"];
  readonly queues: Map<string, MessageQueue> = new Map();
  /** How many of the next operations are answered with `server-busy`. */
  busyFor = 0;
  /** What happened, by kind: for tests to look at. */
  readonly seen: Map<string, number> = new Map();

  constructor(options: NamespaceOptions) {
    this.keys = options.keys;
    this.sku = options.sku;
    this.settings = options.settings;
    this.tls = options.tls;
  }

  create(name: string, settings: Partial<QueueSettings> = {}): MessageQueue {
    const queue = new MessageQueue(name, { ...this.settings, ...settings });
    this.queues.set(name.toLowerCase(), queue);
    return queue;
  }

  remove(name: string): boolean {
    this.queues.get(name.toLowerCase())?.close();
    return this.queues.delete(name.toLowerCase());
  }

  /** A queue, or the dead-letter queue of one when the path ends in `$DeadLetterQueue`. */
  find(path: string): MessageQueue {
    const name = path.toLowerCase();
    const owner = name.replace(/\/\$deadletterqueue$/, "");
    const queue = this.queues.get(owner);
    const found = owner === name ? queue : queue?.deadLetters;
    if (found) return found;
    throw new Refusal("amqp:not-found", `The messaging entity '${path}' could not be found.`);
  }

  /** Throws `server-busy` as often as a test asked for. */
  checkBusy(): void {
    if (this.busyFor <= 0) return;
    this.busyFor -= 1;
    this.count("busy");
    throw new Refusal(
      "com.microsoft:server-busy",
      "The request was terminated because the namespace is being throttled. Please wait 10 seconds and try again.",
    );
  }

  count(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }

  close(): void {
    for (const queue of this.queues.values()) queue.close();
  }
}
