/**
 * The AMQP door of the test server: SASL, claims, links. A client attaches links to `$cbs`, `QUEUE`,
 * `QUEUE/$DeadLetterQueue` and the `$management` node of each; everything else is refused.
 */
import type { Server, Socket } from "node:net";
import rhea, { type Connection, type Container, type EventContext } from "rhea";
import { Claims } from "./claims.ts";
import { batchFormat, decode, decodeBatch, scheduleOf } from "./encoding.ts";
import { answer, checkSize, operations, statusOf } from "./management-node.ts";
import { type MessageQueue, Refusal } from "./message-queue.ts";
import type { Namespace } from "./namespace.ts";
import { Outlet, type ServerSender } from "./outlet.ts";

/** See the top of this file. */
export interface AmqpDoor {
  listen(port: number): Promise<void>;
  /** No new connections, and all open ones end at once. */
  close(): Promise<void>;
  /** Ends every connection without a word. */
  drop(): void;
  /** Detaches every link to a queue, as an upgrade of the service does. */
  detach(): void;
}

const managementEnd = "/$management";

/** One client. */
interface Client {
  readonly claims: Claims;
  readonly outlets: Set<Outlet>;
  /** Where answers go, by the address that requests name. */
  readonly answers: Map<string, ServerSender>;
}

interface RheaLink {
  readonly local: { readonly attach: { max_message_size?: number } };
}

/** Opens the door to a namespace. */
export function createAmqpDoor(namespace: Namespace): AmqpDoor {
  const container = rhea.create_container({ id: "service-bus-test" });
  container.sasl_server_mechanisms.enable_anonymous?.();
  const sockets = new Set<Socket>();
  const clients = new Map<Connection, Client>();
  const door = new Door(namespace, clients);
  door.serve(container);
  let server: Server | null = null;
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    drop,
    detach: () => door.detach(),
    listen: (port) =>
      new Promise((resolve, reject) => {
        const options = {
          port,
          host: "127.0.0.1",
          ...(namespace.tls && { transport: "tls", ...namespace.tls }),
          autoaccept: false,
          treat_modified_as_released: false,
          session_buffer_size: { outgoing: 65_536, incoming: 2048 },
          receiver_options: { autoaccept: false, credit_window: 1000 },
          idle_time_out: 120_000,
        };
        server = container.listen(options as never);
        server.on(namespace.tls ? "secureConnection" : "connection", (socket: Socket) => {
          socket.setNoDelay(true);
          sockets.add(socket);
          socket.on("close", () => sockets.delete(socket));
        });
        server.once("listening", resolve);
        server.once("error", reject);
      }),
    close: () =>
      new Promise((resolve) => {
        drop();
        if (server === null) return resolve();
        server.close(() => resolve());
        server = null;
      }),
  };
}

class Door {
  readonly #namespace: Namespace;
  readonly #clients: Map<Connection, Client>;

  constructor(namespace: Namespace, clients: Map<Connection, Client>) {
    this.#namespace = namespace;
    this.#clients = clients;
  }

  serve(container: Container): void {
    container.on("connection_open", () => this.#namespace.count("connections"));
    container.on("sender_open", (context: EventContext) => this.#openToClient(context));
    container.on("receiver_open", (context: EventContext) => this.#openFromClient(context));
    container.on("message", (context: EventContext) => this.#take(context));
    container.on("sender_flow", ({ sender }: EventContext) => {
      outletOf(sender)?.onFlow();
      answerFlow(sender as unknown as ServerSender);
    });
    for (const outcome of ["accepted", "rejected", "released", "modified"] as const)
      container.on(outcome, ({ sender, delivery }: EventContext) => {
        if (delivery) outletOf(sender)?.settle(outcome, delivery);
      });
    container.on("sender_close", ({ sender }: EventContext) => outletOf(sender)?.close());
    container.on("connection_close", ({ connection }: EventContext) => this.#leave(connection));
    container.on("disconnected", ({ connection }: EventContext) => this.#leave(connection));
    // A client that breaks off is no error of the server.
    for (const event of ["error", "connection_error", "protocol_error"])
      container.on(event, () => undefined);
  }

  detach(): void {
    for (const connection of this.#clients.keys()) {
      const all = connection as unknown as { each_link(each: (link: ServerSender) => void): void };
      all.each_link((link) => {
        if (link.queuePath === undefined) return;
        outletOf(link as never)?.close();
        link.close({
          condition: "amqp:link:detach-forced",
          description: "The link is force detached by the broker because of an upgrade.",
        });
      });
    }
  }

  #client(connection: Connection): Client {
    const known = this.#clients.get(connection);
    if (known) return known;
    const claims = new Claims((path) => this.#expire(connection, path));
    const client = { claims, outlets: new Set<Outlet>(), answers: new Map() };
    this.#clients.set(connection, client);
    return client;
  }

  #leave(connection: Connection): void {
    const client = this.#clients.get(connection);
    if (client === undefined) return;
    this.#clients.delete(connection);
    client.claims.close();
    for (const outlet of client.outlets) outlet.close();
  }

  /** The client reads: answers to its requests, or messages of a queue. */
  #openToClient({ connection, sender }: EventContext): void {
    const link = sender as unknown as ServerSender;
    const client = this.#client(connection);
    refusing(link, () => {
      const address = String(link.source?.address ?? "");
      if (address === "$cbs" || address.endsWith(managementEnd)) {
        if (address !== "$cbs") this.#open(link, client, address, null);
        client.answers.set(link.name, link);
        if (link.target?.address) client.answers.set(link.target.address, link);
        return;
      }
      if (link.snd_settle_mode === 1)
        throw new Refusal("amqp:not-implemented", "this server delivers with a lock only");
      const queue = this.#open(link, client, address, "Listen");
      this.#namespace.checkBusy();
      const outlet = new Outlet(link, queue, this.#namespace);
      client.outlets.add(outlet);
      outlet.onClose = () => client.outlets.delete(outlet);
    });
  }

  /** The client writes. */
  #openFromClient({ connection, receiver }: EventContext): void {
    const link = receiver as unknown as ServerSender & RheaLink;
    refusing(link, () => {
      const address = String(link.target?.address ?? "");
      if (address === "$cbs") return;
      const isManagement = address.endsWith(managementEnd);
      const right = isManagement ? null : "Send";
      const queue = this.#open(link, this.#client(connection), address, right);
      if (!isManagement) link.local.attach.max_message_size = queue.settings.maxMessageBytes;
    });
  }

  #open(
    link: ServerSender,
    client: Client,
    address: string,
    right: "Send" | "Listen" | null,
  ): MessageQueue {
    const path = address.replace(/\/\$management$/i, "").toLowerCase();
    link.queuePath = path;
    client.claims.check(path, right);
    return this.#namespace.find(path);
  }

  #expire(connection: Connection, path: string): void {
    const all = connection as unknown as { each_link(each: (link: ServerSender) => void): void };
    all.each_link((link) => {
      if (link.queuePath !== path && !link.queuePath?.startsWith(`${path}/`)) return;
      outletOf(link as never)?.close();
      link.close({
        condition: "amqp:unauthorized-access",
        description: "ExpiredToken: the token of this link is expired.",
      });
    });
  }

  #take(context: EventContext): void {
    const address = String(context.receiver?.target?.address ?? "");
    if (address === "$cbs") this.#takeToken(context);
    else if (address.endsWith(managementEnd)) this.#takeRequest(context);
    else this.#takeMessage(context, address);
  }

  #takeToken({ connection, message, delivery }: EventContext): void {
    delivery?.accept();
    if (!message) return;
    const { claims, answers } = this.#client(connection);
    const { operation, name } = message.application_properties ?? {};
    const link = answers.get(String(message.reply_to));
    if (operation !== "put-token") {
      link?.send(answer(message, 501));
      return;
    }
    this.#namespace.count("put-token");
    const refusal = claims.put(this.#namespace, String(message.body), String(name));
    const status = refusal === null ? 202 : 401;
    const words = { "status-code": status, "status-description": refusal ?? "Accepted" };
    link?.send(answer(message, status, { application_properties: { ...words } }));
  }

  #takeRequest({ connection, message, delivery, receiver }: EventContext): void {
    delivery?.accept();
    if (!message) return;
    const { claims, answers } = this.#client(connection);
    const path = (receiver as unknown as ServerSender).queuePath ?? "";
    const link = answers.get(String(message.reply_to));
    try {
      const operation = operations[String(message.application_properties?.operation)];
      if (operation === undefined)
        throw new Refusal("amqp:not-implemented", "this server does not know the operation");
      claims.check(path, operation.right);
      this.#namespace.checkBusy();
      const body = operation.run(this.#namespace.find(path), message.body);
      link?.send(answer(message, body === null ? 204 : 200, { body }));
    } catch (error) {
      const { condition, message: description } = toRefusal(error);
      const words = { errorCondition: condition, statusDescription: description };
      const status = statusOf[condition] ?? 500;
      link?.send(answer(message, status, { application_properties: words }));
    }
  }

  #takeMessage({ message, delivery }: EventContext, address: string): void {
    try {
      this.#namespace.checkBusy();
      const queue = this.#namespace.find(address);
      const bytes = bytesOf(delivery, message);
      checkSize(queue, bytes.length);
      const all = (delivery?.format === batchFormat ? decodeBatch(bytes) : [bytes]).map(decode);
      for (const content of all) queue.enqueue(content, scheduleOf(content));
      delivery?.accept();
    } catch (error) {
      const { condition, message: description } = toRefusal(error);
      delivery?.reject({ condition, description } as never);
    }
  }
}

/** rhea hands over the bytes of a batch and decodes anything else. */
function bytesOf(delivery: EventContext["delivery"], message: unknown): Buffer {
  return delivery?.format === 0 ? rhea.message.encode(message as never) : (message as Buffer);
}

function refusing(link: ServerSender, open: () => void): void {
  try {
    open();
  } catch (error) {
    const { condition, message: description } = toRefusal(error);
    link.close({ condition, description });
  }
}

function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  return new Refusal("amqp:internal-error", error instanceof Error ? error.message : String(error));
}

function outletOf(link: EventContext["sender"]): Outlet | undefined {
  return (link as unknown as ServerSender | undefined)?.outlet;
}

/**
 * Answers a flow with one of the session's, which the protocol allows. The client's system holds back its next small frame
 * until this one is acknowledged, and ours acknowledges late unless there is something to say.
 */
function answerFlow({ session }: ServerSender): void {
  session._write_flow();
  session.connection._register();
}
