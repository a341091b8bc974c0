import { describe, expect, test } from "vitest";
import { isSluiceError, redactUrl } from "../../core/index.ts";
import { toOptions } from "./url.ts";

const key = "c2VjcmV0LWtleS1vZi10aGUtbmFtZXNwYWNlLTMyYg==";
const full = `Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=root;SharedAccessKey=${key}`;

function refusal(url: string): string {
  try {
    toOptions(url);
  } catch (error) {
    if (isSluiceError(error) && error.code === "URL_INVALID") return error.message;
    throw error;
  }
  throw new Error("it was taken");
}

describe("a connection string", () => {
  test("is taken as the portal shows it", () => {
    expect(toOptions(full)).toEqual({
      host: "shop.servicebus.windows.net",
      sharedAccessKey: { name: "root", key },
    });
  });

  test("may name a queue, the emulator with its port, and what else it sets, in any case", () => {
    const url =
      "endpoint=sb://localhost:5673;SharedAccessKeyName=a;sharedaccesskey=b=;EntityPath=mail;UseDevelopmentEmulator=true;ManagementEndpoint=http://localhost:5300;CreateQueues=false;Lock=1m;DedupWindow=2h;Timeout=3s;MaxMessageBytes=2000000;TransportType=Amqp;";
    expect(toOptions(url)).toEqual({
      host: "localhost:5673",
      sharedAccessKey: { name: "a", key: "b=" },
      entityPath: "mail",
      emulator: true,
      management: "http://localhost:5300",
      create: false,
      lock: "1m",
      dedupWindow: "2h",
      timeout: "3s",
      maxMessageBytes: 2_000_000,
    });
  });

  test("may hold a signature instead of a key, or neither for Entra ID", () => {
    const signature = "SharedAccessSignature sr=sb&sig=abc%3D&se=1&skn=root";
    expect(toOptions(`Endpoint=sb://a.example;SharedAccessSignature=${signature}`)).toEqual({
      host: "a.example",
      sharedAccessSignature: signature,
    });
    expect(toOptions("Endpoint=sb://a.example")).toEqual({ host: "a.example" });
  });

  test.each([
    ["SharedAccessKeyName=a;SharedAccessKey=b;X=1", "X is none of"],
    ["SharedAccessKeyName=a;SharedAccessKey=b", "Endpoint=sb://… is missing"],
    ["Endpoint=sb://;SharedAccessKeyName=a;SharedAccessKey=b", "Endpoint has no proper value"],
    ["Endpoint=a.example;SharedAccessKeyName=a", "Endpoint has no proper value"],
    ["Endpoint=sb://a.example;SharedAccessKeyName=a", "SharedAccessKey is missing"],
    ["Endpoint=sb://a.example;SharedAccessKey=b", "SharedAccessKeyName is missing"],
    ["Endpoint=sb://a.example;SharedAccessKey=", "SharedAccessKey has no proper value"],
    ["Endpoint=sb://a.example;nonsense", "part 2 is not of the form Name=Value"],
    ["Endpoint=sb://a.example;=x", "part 2 is not of the form Name=Value"],
    ["Endpoint=sb://a.example;Endpoint=sb://b.example", "Endpoint is there twice"],
    ["Endpoint=sb://a.example;EntityPath=", "EntityPath has no proper value"],
    ["Endpoint=sb://a.example;UseDevelopmentEmulator=yes", "UseDevelopmentEmulator has no proper"],
    ["Endpoint=sb://a.example;Timeout=soon", "Timeout has no proper value"],
    ["Endpoint=sb://a.example;TransportType=AmqpWebSockets", "TransportType has no proper value"],
    [
      "Endpoint=sb://a.example;SharedAccessKeyName=a;SharedAccessKey=b;SharedAccessSignature=SharedAccessSignature sig=c",
      "exclude each other",
    ],
  ])("that is malformed is refused by the part that is wrong: %s", (text, expected) => {
    expect(refusal(text)).toContain(expected);
  });
});

describe("the key of a connection string", () => {
  test("never shows its key, wherever it went wrong", () => {
    for (const text of [
      `${full};Nonsense=1`,
      `${full};oops`,
      full.replace("SharedAccessKey=", "SharedAccesKey="),
      full.replace("SharedAccessKey=", ""),
      `SharedAccessKey=${key};SharedAccessKeyName=root`,
    ])
      expect(refusal(text)).not.toContain(key.slice(0, 12));
  });

  test("is shown without its secrets", () => {
    expect(redactUrl(full)).toBe(full.replace(key, "***"));
    expect(redactUrl(`SharedAccessKey=${key};Endpoint=sb://a`)).toBe(
      "SharedAccessKey=***;Endpoint=sb://a",
    );
    const signed = redactUrl(
      "Endpoint=sb://a;SharedAccessSignature=SharedAccessSignature sr=x&sig=abc&se=1",
    );
    expect(signed).not.toContain("abc");
  });
});

describe("a servicebus URL", () => {
  test.each([
    ["servicebus://shop", { host: "shop.servicebus.windows.net" }],
    [
      "servicebus://shop.servicebus.usgovcloudapi.net",
      { host: "shop.servicebus.usgovcloudapi.net" },
    ],
    ["servicebus://shop/mail/out", { host: "shop.servicebus.windows.net", entityPath: "mail/out" }],
    [
      "servicebus://root:a%2Fb%3D@localhost:5673?emulator=true&management=http://localhost:5300&create=false&lock=1m",
      {
        host: "localhost:5673",
        sharedAccessKey: { name: "root", key: "a/b=" },
        emulator: true,
        management: "http://localhost:5300",
        create: false,
        lock: "1m",
      },
    ],
  ])("names a namespace: %s", (url, options) => {
    expect(toOptions(url)).toEqual(options);
  });

  test.each([
    ["servicebus:", "a namespace"],
    ["servicebus:///mail", "a namespace"],
    ["servicebus://root@shop", "both the name and the key"],
    ["servicebus://:key@shop", "both the name and the key"],
    ["servicebus://shop?nonsense=1", "no parameter but"],
    ["servicebus://shop?timeout=soon", "a proper timeout"],
    ["servicebus://shop?management=localhost", "a proper management"],
    ["servicebus://root:%zz@shop", "two hexadecimal digits"],
  ])("that is wrong is refused: %s", (url, expected) => {
    expect(refusal(url)).toContain(expected);
  });
});
