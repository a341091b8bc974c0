import { describe, expect } from "vitest";
import type { Sluice } from "../../src/index.ts";
import { type Cli, test } from "../support/cli.ts";

/** The bodies that wait, as text, in the order in which they would be received. */
async function bodies(sluice: Sluice, queue = "q"): Promise<readonly string[]> {
  const waiting = await sluice.peek(queue, { limit: 1000 });
  return waiting.map(({ body }) => Buffer.from(body).toString("utf8"));
}

async function published(cli: Cli, content: string | Uint8Array, ...options: readonly string[]) {
  const file = cli.write("jobs.jsonl", content);
  const ended = await cli.run(["publish", "q", "--file", file, ...options]);
  return { ...ended, bodies: await bodies(await cli.open()) };
}

describe.concurrent("publish --data", () => {
  test("adds a job for each --data and says how many", async ({ cli }) => {
    const ended = await cli.run(["publish", "q", "--data", '{"id":7}', "--data", " 8 "]);
    expect(ended).toMatchObject({ status: 0, stdout: "2 published to q\n", stderr: "" });
    expect(await bodies(await cli.open())).toEqual(['{"id":7}', " 8 "]);
  });

  test("prints the counts as one JSON object with --json", async ({ cli }) => {
    const { stdout } = await cli.run(["publish", "q", "--json", "--data", "1", "--data", "2"]);
    expect(JSON.parse(stdout)).toEqual({ queue: "q", published: 2, skipped: 0 });
  });

  test("reads the queue's URL from SLUICE_URL, and from --url rather than from there", async ({
    cli,
  }) => {
    const env = { SLUICE_URL: "sqlite:environment.db" };
    await cli.run(["publish", "q", "--data", '"first"'], { env });
    await cli.run(["publish", "q", "--data", '"second"', "--url", "sqlite:option.db"], { env });
    expect(await bodies(await cli.open(`sqlite:${cli.path("environment.db")}`))).toEqual([
      '"first"',
    ]);
    expect(await bodies(await cli.open(`sqlite:${cli.path("option.db")}`))).toEqual(['"second"']);
  });
});

describe.concurrent("publish --file", () => {
  test("adds one job per line, also the last one without a line end", async ({ cli }) => {
    const ended = await published(cli, '{"a":1}\n{"a":2}\n{"a":3}');
    expect(ended).toMatchObject({ status: 0, stdout: "3 published to q\n", stderr: "" });
    expect(ended.bodies).toEqual(['{"a":1}', '{"a":2}', '{"a":3}']);
  });

  test("takes Windows line ends, a byte order mark and blank lines", async ({ cli }) => {
    const ended = await published(cli, '\uFEFF{"a":1}\r\n\r\n  \r\n{"a":2}\r\n\n{"a":3}\r\n');
    expect(ended.bodies).toEqual(['{"a":1}', '{"a":2}', '{"a":3}']);
  });

  test("keeps the bytes of a line as they are, cut at line feeds only", async ({ cli }) => {
    const lines = ['  { "z" : 1.00e0,\t"a": "é" }  ', '{"a":"x\u2028y\u2029z\u0085"}', "[1,\r2]"];
    const ended = await published(cli, `${lines.join("\n")}\n`);
    expect(ended.bodies).toEqual(lines);
  });

  test("publishes ten thousand lines in their order", async ({ cli }) => {
    const lines = Array.from({ length: 10_000 }, (_, index) => JSON.stringify({ index }));
    const ended = await published(cli, lines.join("\n"));
    expect(ended.stdout).toBe("10000 published to q\n");
    expect(ended.bodies).toEqual(lines.slice(0, 1000));
  });

  test("takes lines as plain text with --text and marks them as such", async ({ cli }) => {
    const ended = await published(cli, "a photo.jpg\n{not json\n", "--text");
    expect(ended.bodies).toEqual(["a photo.jpg", "{not json"]);
    const [first] = await (await cli.open()).peek("q");
    expect(first?.headers).toEqual({ "content-type": "text/plain" });
  });

  test("adds nothing when the same file comes twice with --id-field", async ({ cli }) => {
    const content = '{"key":"a"}\n{"key":2}\n';
    await published(cli, content, "--id-field", "key");
    const again = await published(cli, content, "--id-field", "key");
    expect(again.status).toBe(0);
    expect(again.bodies).toEqual(['{"key":"a"}', '{"key":2}']);
    const ids = (await (await cli.open()).peek("q")).map(({ id }) => id);
    expect(ids).toEqual(["a", "2"]);
  });
});

describe.concurrent("publish from standard input", () => {
  test("reads standard input when neither --data nor --file is given, or --file is -", async ({
    cli,
  }) => {
    const plain = await cli.run(["publish", "q"], { input: "1\n2\n" });
    const dash = await cli.run(["publish", "q", "--file", "-"], { input: "3" });
    expect([plain.stdout, dash.stdout]).toEqual(["2 published to q\n", "1 published to q\n"]);
    expect(await bodies(await cli.open())).toEqual(["1", "2", "3"]);
  });

  test("publishes nothing from an empty standard input", async ({ cli }) => {
    const ended = await cli.run(["publish", "q"], { input: "" });
    expect(ended).toMatchObject({ status: 0, stdout: "0 published to q\n", stderr: "" });
  });
});

describe.concurrent("publish options", () => {
  test("holds jobs back for --delay", async ({ cli }) => {
    await cli.run(["publish", "q", "--data", "1", "--delay", "1h"]);
    expect(await (await cli.open()).depth("q")).toMatchObject({ ready: 0, delayed: 1 });
  });

  test("puts a higher --priority first", async ({ cli }) => {
    await cli.run(["publish", "q", "--data", '"low"', "--priority", "1"]);
    await cli.run(["publish", "q", "--data", '"high"', "--priority", "9"]);
    await cli.run(["publish", "q", "--data", '"none"']);
    expect(await bodies(await cli.open())).toEqual(['"high"', '"low"', '"none"']);
  });

  test("sends every --header along, names in lower case, values with their equals signs", async ({
    cli,
  }) => {
    const headers = ["--header", "Tenant=acme", "--header", "x-query=a=b&c="];
    await cli.run(["publish", "q", "--data", "1", ...headers]);
    const [message] = await (await cli.open()).peek("q");
    expect(message?.headers).toEqual({ tenant: "acme", "x-query": "a=b&c=" });
  });

  test("gives a command the very bytes of the line", async ({ cli }) => {
    const line = '  {"name":"Jörg",  "n":1.0}\t';
    await cli.run(["publish", "q"], { input: `${line}\r\n` });
    const cat = ["--exec", "cat", "--exit-when-idle", "100ms", "--log-level", "silent"];
    const ended = await cli.run(["work", "--queue", "q", ...cat]);
    expect(ended).toMatchObject({ status: 0, stdout: line, stderr: "" });
  });
});
