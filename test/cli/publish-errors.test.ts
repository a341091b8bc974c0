import { describe, expect } from "vitest";
import { type Cli, test } from "../support/cli.ts";

/** Publishes the lines of a file; tells how it ended, and the bodies that are in the queue. */
async function publishFile(cli: Cli, content: string | Uint8Array, ...options: readonly string[]) {
  cli.write("jobs.jsonl", content);
  const ended = await cli.run(["publish", "q", "--file", "jobs.jsonl", ...options]);
  const waiting = await (await cli.open()).peek("q", { limit: 1000 });
  return { ...ended, bodies: waiting.map(({ body }) => Buffer.from(body).toString("utf8")) };
}

const tooLarge = `"${"x".repeat(16 * 1024 * 1024)}"`;

describe.concurrent("publish, at a bad line", () => {
  test("names file and line, keeps what came before, and ends with status 65", async ({ cli }) => {
    const ended = await publishFile(cli, '{"a":1}\n\n{"a":2\n{"a":3}\n');
    expect(ended).toMatchObject({ status: 65, stdout: "1 published to q\n" });
    expect(ended.stderr).toContain('jobs.jsonl:3: expected one JSON value; got "{\\"a\\":2"');
    expect(ended.stderr).toContain("(DATA_INVALID)");
    expect(ended.bodies).toEqual(['{"a":1}']);
  });

  test("reports every bad line and goes on with --on-error skip", async ({ cli }) => {
    const ended = await publishFile(cli, "1\nx\n2\ny\n3\n", "--on-error", "skip");
    expect(ended).toMatchObject({ status: 0, stdout: "3 published to q, 2 skipped\n" });
    expect(ended.stderr).toMatch(/^skipped .*jobs\.jsonl:2:.*\nskipped .*jobs\.jsonl:4:.*\n$/);
    expect(ended.bodies).toEqual(["1", "2", "3"]);
  });

  test("ends at a body over 16 MiB without publishing what comes after it", async ({ cli }) => {
    const ended = await publishFile(cli, `1\n${tooLarge}\n3\n`);
    expect(ended).toMatchObject({ status: 65, stdout: "1 published to q\n" });
    expect(ended.stderr).toMatch(/jobs\.jsonl:2: .*16777216 bytes.*\(BODY_TOO_LARGE\)/);
    expect(ended.bodies).toEqual(["1"]);
  });

  test("skips a body over 16 MiB with --on-error skip and names its line", async ({ cli }) => {
    const ended = await publishFile(cli, `x\n${tooLarge}\n3\n`, "--on-error", "skip");
    expect(ended).toMatchObject({ status: 0, stdout: "1 published to q, 2 skipped\n" });
    expect(ended.stderr).toMatch(/skipped BODY_TOO_LARGE: jobs\.jsonl:2:/);
  });

  test("refuses bytes that are no UTF-8 rather than change them", async ({ cli }) => {
    const latin1 = Buffer.from('1\n"J\u00F6rg"\n', "latin1");
    const ended = await publishFile(cli, latin1);
    expect(ended).toMatchObject({ status: 65, bodies: ["1"] });
    expect(ended.stderr).toContain("jobs.jsonl:2: expected UTF-8");
    expect(await publishFile(cli, latin1, "--text")).toMatchObject({ status: 65 });
  });

  test("wants a text or a number in the field that --id-field names", async ({ cli }) => {
    for (const [line, came] of [
      ['{"other":1}', "nothing"],
      ['{"id":null}', "null"],
      ['{"id":""}', '""'],
      ["[1]", "nothing"],
    ] as const) {
      const ended = await publishFile(cli, line, "--id-field", "id");
      expect(ended).toMatchObject({ status: 65, bodies: [] });
      expect(ended.stderr).toContain(`jobs.jsonl:1: --id-field id`);
      expect(ended.stderr).toContain(`got ${came}.`);
    }
  });
});

interface Refusal {
  readonly what: string;
  readonly args: readonly string[];
  readonly status: number;
  readonly says: string;
}

const refusals: readonly Refusal[] = [
  {
    what: "a file that does not exist",
    args: ["--file", "nope.jsonl"],
    status: 65,
    says: "nope.jsonl cannot be read: ENOENT",
  },
  { what: "a folder as file", args: ["--file", "."], status: 65, says: ". cannot be read: EISDIR" },
  {
    what: "--data together with --file",
    args: ["--data", "1", "--file", "x"],
    status: 2,
    says: "not both",
  },
  {
    what: "--id-field together with --text",
    args: ["--text", "--id-field", "id", "--data", "1"],
    status: 2,
    says: "Remove one of the two",
  },
  {
    what: "a priority above 9",
    args: ["--data", "1", "--priority", "99"],
    status: 2,
    says: "priority must be a whole number from 0 to 9",
  },
  {
    what: "a priority that is no number",
    args: ["--data", "1", "--priority", "high"],
    status: 2,
    says: "Expected a whole number from 0",
  },
  {
    what: "a delay that is no duration",
    args: ["--data", "1", "--delay", "soon"],
    status: 2,
    says: "Expected a duration such as",
  },
  {
    what: "a header without a value",
    args: ["--data", "1", "--header", "tenant"],
    status: 2,
    says: "Expected name=value",
  },
  {
    what: "a header whose name has a space",
    args: ["--data", "1", "--header", "a b=c"],
    status: 2,
    says: "(HEADERS_INVALID)",
  },
  {
    what: "a header of ours",
    args: ["--data", "1", "--header", "sluice-x=c"],
    status: 2,
    says: "(HEADERS_INVALID)",
  },
  { what: "data that is no JSON", args: ["--data", "{"], status: 65, says: "--data:1: expected" },
];

describe.concurrent("publish refuses", () => {
  for (const { what, args, status, says } of refusals) {
    test(what, async ({ cli }) => {
      const ended = await cli.run(["publish", "q", ...args]);
      expect(ended.status).toBe(status);
      expect(ended.stderr).toContain(says);
      expect(ended.stderr).not.toContain("    at ");
      expect(await (await cli.open()).depth("q")).toMatchObject({ ready: 0, delayed: 0 });
    });
  }

  const names = ["", "two words", "it's", 'a"b', "a\nb", "q{}", "-q", "ö", "a".repeat(300)];
  for (const name of names) {
    test(`the queue name ${JSON.stringify(name.slice(0, 20))}`, async ({ cli }) => {
      const ended = await cli.run(["publish", "--data", "1", "--", name]);
      expect(ended).toMatchObject({ status: 2, stdout: "" });
      expect(ended.stderr).toMatch(
        /^error queue name must be 1 to 128 .*\(QUEUE_NAME_INVALID\)\n$/,
      );
    });
  }
});

describe.concurrent("publish, with a bad URL", () => {
  test("lists the known schemes for an unknown one", async ({ cli }) => {
    const ended = await cli.run(["publish", "q", "--data", "1", "--url", "carrier-pigeon:x"]);
    expect(ended).toMatchObject({ status: 2, stdout: "" });
    expect(ended.stderr).toMatch(/memory: sqlite:.*; got carrier-pigeon:.*\(SCHEME_UNKNOWN\)/);
  });

  test("says how a URL is written when it has no scheme", async ({ cli }) => {
    for (const url of ["jobs.db", "", "/var/jobs.db", "SQLITE:x.db"]) {
      const ended = await cli.run(["publish", "q", "--data", "1", "--url", url]);
      expect(ended).toMatchObject({ status: 2, stdout: "" });
      expect(ended.stderr).toContain("Write sqlite:jobs.db for a file. (URL_INVALID)");
    }
  });

  test("says which folder is missing", async ({ cli }) => {
    const ended = await cli.run(["publish", "q", "--data", "1", "--url", "sqlite:no/such/jobs.db"]);
    expect(ended).toMatchObject({ status: 69, stdout: "" });
    expect(ended.stderr).toContain(`mkdir -p ${cli.path("no/such")} (STORE_UNAVAILABLE)`);
  });

  const urls = [
    "mysql://user:hunter2@host/db",
    "postgres://user:hunter2@host:port/db",
    "//user:hunter2@host/db",
    "sqlite://user:hunter2@host/db?mode=x",
    "sqlite:a%ZZ.db?password=hunter2",
    "sqlite:jobs.db?token=hunter2",
  ];
  for (const url of urls) {
    test(`does not show the password of ${url.replace("hunter2", "…")}`, async ({ cli }) => {
      const ended = await cli.run(["publish", "q", "--data", "1", "--url", url]);
      expect(ended.status).toBe(2);
      expect(ended.stdout + ended.stderr).not.toContain("hunter2");
    });
  }
});
