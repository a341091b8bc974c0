/**
 * Paths into JSON as GJSON has them (https://github.com/tidwall/gjson/blob/master/SYNTAX.md), as far as they lead to one
 * value: names, indexes, `*` and `?`, `\` before a special character, `#` for the length of a list, `#.name` for all of its
 * members, and `#(name=="x")` for the first that fits. Modifiers (`@…`), `|`, `#(…)#` and multipaths are refused.
 */

/** The value at a path; undefined when there is none. Throws an `Error` for a path that is not supported. */
export function valueAtPath(json: unknown, path: string): unknown {
  return follow(json, splitPath(path));
}

interface Part {
  readonly text: string;
  /** Whether * and ? in it stand for other letters. */
  readonly isPattern: boolean;
}

function splitPath(path: string): readonly Part[] {
  if (/^[@!{[]|[|.][@!{[]|\|/.test(path))
    throw new Error(
      `${JSON.stringify(path)} uses parts of GJSON that are not supported (modifiers, pipes, multipaths)`,
    );
  const parts: Part[] = [];
  let text = "";
  let isPattern = false;
  let depth = 0;
  for (let index = 0; index < path.length; index += 1) {
    const letter = path[index] ?? "";
    if (letter === "\\") {
      index += 1;
      text += path[index] ?? "";
      continue;
    }
    if (letter === "(") depth += 1;
    if (letter === ")") depth -= 1;
    if (letter === "." && depth === 0) {
      parts.push({ text, isPattern });
      [text, isPattern] = ["", false];
      continue;
    }
    isPattern ||= (letter === "*" || letter === "?") && depth === 0;
    text += letter;
  }
  return [...parts, { text, isPattern }];
}

function follow(value: unknown, parts: readonly Part[]): unknown {
  const [part, ...rest] = parts;
  if (part === undefined) return value;
  if (Array.isArray(value)) return followList(value, part, rest);
  if (typeof value !== "object" || value === null) return undefined;
  const members = value as Readonly<Record<string, unknown>>;
  const name = part.isPattern
    ? Object.keys(members).find((key) => matches(key, part.text))
    : part.text;
  if (name === undefined || !Object.hasOwn(members, name)) return undefined;
  return follow(members[name], rest);
}

function followList(items: readonly unknown[], part: Part, rest: readonly Part[]): unknown {
  if (part.text === "#") {
    if (rest.length === 0) return items.length;
    return items.map((item) => follow(item, rest)).filter((item) => item !== undefined);
  }
  if (part.text.startsWith("#(")) return follow(items.find(condition(part.text)), rest);
  return /^\d+$/.test(part.text) ? follow(items[Number(part.text)], rest) : undefined;
}

function matches(text: string, pattern: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s").test(text);
}

const query = /^#\(\s*([^=!<>%]*?)\s*(?:(==?|!=|<=?|>=?|!?%)\s*(.+?)\s*)?\)$/s;

type Test = (item: unknown) => boolean;

function condition(text: string): Test {
  const [, name = "", operator, operand = ""] = query.exec(text) ?? [];
  if (!query.test(text)) throw new Error(`${text} is no condition such as #(name=="x")`);
  const path = name === "" ? [] : splitPath(name);
  if (operator === undefined) return (item) => follow(item, path) !== undefined;
  const wanted = operandOf(operand);
  return (item) => compare(follow(item, path), operator, wanted);
}

function operandOf(text: string): string | number | boolean | null {
  try {
    return JSON.parse(text) as string | number | boolean | null;
  } catch {
    return text; // GJSON takes a text without quotes as well
  }
}

function compare(
  value: unknown,
  operator: string,
  wanted: string | number | boolean | null,
): boolean {
  if (operator.endsWith("%")) {
    const isLike = typeof value === "string" && matches(value, String(wanted));
    return isLike === (operator === "%");
  }
  if (value === undefined || typeof value !== typeof wanted) return false;
  const found = value as string | number | boolean;
  const other = wanted as string | number | boolean;
  switch (operator) {
    case "!=":
      return found !== other;
    case "<":
      return found < other;
    case "<=":
      return found <= other;
    case ">":
      return found > other;
    case ">=":
      return found >= other;
    default:
      return found === other;
  }
}
