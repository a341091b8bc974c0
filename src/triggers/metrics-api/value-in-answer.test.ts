import { describe, expect, test } from "vitest";
import { valueAtPath } from "./gjson.ts";
import { type Format, valueInAnswer } from "./value-in-answer.ts";

const answers: Readonly<Record<Format, string>> = {
  json: '{"components":[{"id":"82328e93e","tasks":32,"str":"64","k":"1k","wrong":"NaN","none":null}],"count":2.43,"low":-1}',
  yaml: "{components: [{id: 82328e93e, tasks: 32, str: '64', k: 1k, wrong: NaN}], count: 2.43}",
  prometheus: `# HELP backend_queue_size Total number of items
	# TYPE backend_queue_size counter
	backend_queue_size{queueName="zero"} 0
	backend_queue_size{queueName="one"} 1
	backend_queue_size{queueName="two", instance="random"} 2
	backend_queue_size{queueName="two", instance="zero"} 20
	# TYPE took histogram
	took_count 4
	not_a_number NaN
	random_metric 10 1395066363000`,
  xml: '<report unit="jobs"><queue><name>a</name><jobs>32</jobs></queue><queue><jobs>1k</jobs></queue></report>',
};

test.each<[Format, string, number]>([
  ["json", "count", 2.43],
  ["json", "components.0.str", 64],
  ["json", "components.0.tasks", 32],
  ["json", "components.0.k", 1000],
  ["json", "components.#", 1],
  ["json", 'components.#(id=="82328e93e").tasks', 32],
  ["yaml", "count", 2.43],
  ["yaml", "components.0.str", 64],
  ["yaml", "components.0.k", 1000],
  ["yaml", "components.0.tasks", 32],
  ["prometheus", "random_metric", 10],
  ["prometheus", 'backend_queue_size{queueName="one"}', 1],
  ["prometheus", 'backend_queue_size{queueName="two"}', 2],
  ["prometheus", 'backend_queue_size{queueName="two", instance="zero"}', 20],
  ["xml", "report.queue.0.jobs", 32],
  ["xml", "report.queue.1.jobs", 1000],
])("%s: %s is %d", async (format, location, value) => {
  expect(await valueInAnswer(answers[format], format, location)).toBe(value);
});

test.each<[Format, string, string]>([
  ["json", "components.0.wrong", 'is "NaN"'],
  ["json", "components.0.none", "there is nothing at"],
  ["json", "components.0", "expected a number"],
  ["json", "low", "is -1"],
  ["json", "nothing", "there is nothing at"],
  ["yaml", "components.0.wrong", 'is "NaN"'],
  ["yaml", "components.7", "there is nothing at"],
  ["prometheus", "took_count", "there is nothing at"],
  ["prometheus", "not_a_number", "is NaN"],
  ["prometheus", 'backend_queue_size{queueName="six"}', "there is nothing at"],
  ["xml", "report.queue.0.name", 'is "a"'],
  ["xml", "report.nothing", "there is nothing at"],
])("%s: %s is an error", async (format, location, problem) => {
  await expect(valueInAnswer(answers[format], format, location)).rejects.toThrow(problem);
});

test.each<[Format, string]>([
  ["json", "{"],
  ["yaml", "a: [1"],
  ["prometheus", "what is this?"],
  ["xml", "<a><b></a>"],
])("an answer that is no %s is an error", async (format, body) => {
  await expect(valueInAnswer(body, format, "a")).rejects.toThrow(`cannot be read as ${format}`);
});

describe("paths", () => {
  const json = {
    "a.b": 1,
    list: [{ n: 1, s: "x" }, { n: 5, s: "yes" }, { n: 9 }],
    deep: { child1: { v: 3 }, child2: { v: 4 } },
  };

  test.each([
    ["a\\.b", 1],
    ["list.1.n", 5],
    ["list.#", 3],
    ["list.#.n", [1, 5, 9]],
    ["list.#(n>1).n", 5],
    ["list.#(n>=9).n", 9],
    ["list.#(n!=1).n", 5],
    ['list.#(s%"y*").n', 5],
    ["list.#(s).s", "x"],
    ["deep.child?.v", 3],
    ["deep.*2.v", 4],
    ["list.9", undefined],
    ["constructor", undefined],
  ])("%s leads to %j", (path, value) => {
    expect(valueAtPath(json, path)).toEqual(value);
  });

  test.each(["@reverse", "list|0", "list.@this", "[a,b]"])("%s is refused", (path) => {
    expect(() => valueAtPath(json, path)).toThrow("not supported");
  });
});
