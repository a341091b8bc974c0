import { describe, expect, test } from "vitest";
import { loadPg } from "./client.ts";
import { parsePostgresUrl } from "./url.ts";

const secret = "hunter2";

describe("a postgres URL", () => {
  test("says where the database is and how the queue is kept", () => {
    const parsed = parsePostgresUrl(
      `postgres://ada:${secret}@db:5433/app?schema=jobs&dedup=1h&pool=8&sslmode=require`,
    );
    expect(parsed).toEqual({
      connectionString: `postgres://ada:${secret}@db:5433/app?sslmode=verify-full`,
      place: "postgres://db:5433/app",
      schema: "jobs",
      dedupWindow: "1h",
      pool: 8,
    });
  });

  test("hands on sslmode as the client takes it, or as libpq does where that is asked for", () => {
    const modeOf = (query: string): string | null =>
      new URL(parsePostgresUrl(`postgres://db/app?${query}`).connectionString).searchParams.get(
        "sslmode",
      );
    expect(modeOf("sslmode=prefer")).toBe("verify-full");
    expect(modeOf("sslmode=disable")).toBe("disable");
    expect(modeOf("sslmode=require&uselibpqcompat=true")).toBe("require");
  });

  test("may name a socket folder", () => {
    const { place } = parsePostgresUrl("postgresql:///app?host=/run/postgresql");
    expect(place).toBe("postgres:///run/postgresql/app");
  });

  test.each([
    "postgres:",
    "postgres://",
    `postgres://ada:${secret}/x@db/app`,
    `postgres://ada:${secret}#x@db/app`,
    `postgres://ada:${secret}%zz@db/app`,
    `postgres://ada:${secret}%00@db/app`,
    `postgres://ada:${secret}@db/app?colour=red`,
    `postgres://ada:${secret}@db/app?sslmode=sometimes`,
    `mysql://ada:${secret}@db/app`,
  ])("is refused without showing its password: %s", (url) => {
    let message = "";
    try {
      parsePostgresUrl(url);
    } catch (error) {
      message = String(error);
      expect(error).toMatchObject({ code: "URL_INVALID" });
    }
    expect(message).toMatch(/^SluiceError: a postgres URL has/);
    expect(message).not.toContain(secret);
  });
});

test("a missing client is told of with the command that installs it", async () => {
  const load = () => Promise.reject(new Error("Cannot find package 'pg'"));
  await expect(loadPg(load)).rejects.toMatchObject({
    code: "CLIENT_MISSING",
    message: "postgres driver needs pg: npm install pg@^8.11",
  });
});
