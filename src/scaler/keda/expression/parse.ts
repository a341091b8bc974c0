/** Reads a formula into a part that runs; a parser by binding power, with expr's. */
import type { Part, Type } from "./expression.ts";
import { type FormulaFunction, functions } from "./functions.ts";
import { arrayOf, choice, negated, operators, signed } from "./operators.ts";
import { FormulaError, type Token, tokenize } from "./token.ts";

const bindingOfNot = 50;
const bindingOfSign = 90;
const literals: Readonly<Record<string, Omit<Part, "at">>> = {
  true: { type: "bool", run: () => true },
  false: { type: "bool", run: () => false },
  nil: { type: "nil", run: () => null },
};

/** The part that a text means, over variables of these names. Throws {@link FormulaError}. */
export function parse(text: string, names: readonly string[]): Part {
  const parser = new Parser(tokenize(text), names);
  return parser.all();
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #names: readonly string[];
  /** The types of `#` in the predicates around the present place, the innermost last. */
  readonly #items: Type[] = [];
  #next = 0;

  constructor(tokens: readonly Token[], names: readonly string[]) {
    this.#tokens = tokens;
    this.#names = names;
  }

  all(): Part {
    const part = this.#piped();
    const rest = this.#peek();
    if (rest.kind !== "end")
      throw new FormulaError(rest.at, `expected an operator; got ${rest.text}`);
    return part;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: "end", text: "the end", at: 1 };
  }

  #take(): Token {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }

  #takeIf(...texts: readonly string[]): Token | null {
    const token = this.#peek();
    return token.kind !== "number" && texts.includes(token.text) ? this.#take() : null;
  }

  #expect(text: string): Token {
    const token = this.#take();
    if (token.text === text) return token;
    throw new FormulaError(token.at, `expected ${text}; got ${token.text}`);
  }

  /** `a | f(b)` is `f(a, b)`. */
  #piped(): Part {
    let part = this.#conditional();
    while (this.#takeIf("|") !== null) part = this.#call(this.#take(), part);
    return part;
  }

  #conditional(): Part {
    const condition = this.#binary(0);
    if (this.#takeIf("?") === null) return condition;
    const yes = this.#piped();
    this.#expect(":");
    return choice(condition, yes, this.#piped());
  }

  #binary(least: number): Part {
    let left = this.#unary();
    let before: Token | null = null;
    for (;;) {
      const found = this.#operator();
      if (found === null || found.operator.binding < least) return left;
      const { token, operator, isNot } = found;
      refuseMixing(before, token);
      this.#next += isNot ? 2 : 1;
      const right = this.#binary(operator.isRightward ? operator.binding : operator.binding + 1);
      left = operator.make(left, right, token.at);
      if (isNot) left = negated(left, token.at);
      before = token;
    }
  }

  /** The operator that comes next; `not in` is one. */
  #operator() {
    const token = this.#peek();
    const isNot = token.text === "not" && this.#tokens[this.#next + 1]?.text === "in";
    const text = isNot ? "in" : token.text;
    const operator = Object.hasOwn(operators, text) ? operators[text] : undefined;
    return operator === undefined || token.kind === "number" ? null : { token, operator, isNot };
  }

  #unary(): Part {
    const not = this.#takeIf("not", "!");
    if (not !== null) return negated(this.#binary(bindingOfNot), not.at);
    const sign = this.#takeIf("-", "+");
    if (sign === null) return this.#primary();
    return signed(sign.text === "-" ? "-" : "+", this.#binary(bindingOfSign), sign.at);
  }

  #primary(): Part {
    const token = this.#take();
    const { at, text, kind } = token;
    if (kind === "number") {
      const value = Number(text.replaceAll("_", ""));
      return { type: /^[\d_]+$/.test(text) ? "int" : "float", at, run: () => value };
    }
    if (kind === "name") return this.#named(token);
    if (text === "(") {
      const part = this.#piped();
      this.#expect(")");
      return part;
    }
    if (text === "[") return arrayOf(this.#list("]"), at);
    if (text === "#") return this.#item(at);
    throw new FormulaError(at, `expected a number, a trigger's name or a function; got ${text}`);
  }

  #named(token: Token): Part {
    const { at, text } = token;
    if (this.#peek().text === "(") return this.#call(token, null);
    if (this.#names.includes(text))
      return { type: "float", at, run: ({ values }) => values[text] ?? null };
    const literal = Object.hasOwn(literals, text) ? literals[text] : undefined;
    if (literal !== undefined) return { ...literal, at };
    throw new FormulaError(at, `${text} is no trigger's name; there are: ${this.#known()}`);
  }

  #known(): string {
    return this.#names.length === 0 ? "none" : this.#names.join(", ");
  }

  #item(at: number): Part {
    const type = this.#items.at(-1);
    if (type === undefined) throw new FormulaError(at, "# stands only in a predicate");
    return { type, at, run: ({ item }) => item };
  }

  #call({ at, text: name, kind }: Token, piped: Part | null): Part {
    const found = kind === "name" && Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (found === undefined) throw new FormulaError(at, unknownFunction(name));
    this.#expect("(");
    const parts = this.#arguments(found, piped);
    if (parts.length < found.least || parts.length > found.most)
      throw new FormulaError(at, `${name} takes ${count(found)}; got ${parts.length}`);
    return { ...found.make({ name, at, parts }), at };
  }

  #arguments({ predicate }: FormulaFunction, piped: Part | null): readonly Part[] {
    if (predicate === undefined) return [...(piped === null ? [] : [piped]), ...this.#list(")")];
    const array = piped ?? this.#piped();
    if (piped === null && this.#takeIf(",") === null) {
      this.#expect(")");
      return [array];
    }
    if (this.#takeIf(")") !== null) return [array];
    const test = this.#predicate(array.item ?? "float");
    this.#takeIf(",");
    this.#expect(")");
    return [array, test];
  }

  /** `{# > 1}` or `# > 1`. */
  #predicate(item: Type): Part {
    const brace = this.#takeIf("{");
    this.#items.push(item);
    const part = this.#piped();
    this.#items.pop();
    if (brace !== null) this.#expect("}");
    return part;
  }

  #list(end: string): readonly Part[] {
    const parts: Part[] = [];
    while (this.#takeIf(end) === null) {
      if (parts.length > 0) {
        this.#expect(",");
        if (this.#takeIf(end) !== null) break;
      }
      parts.push(this.#piped());
    }
    return parts;
  }
}

const comparisons = ["==", "!=", "<", ">", "<=", ">=", "in", "not"];

/** What reads in two ways is refused, as expr refuses it for `??`. */
function refuseMixing(before: Token | null, token: Token): void {
  if (before === null) return;
  if (before.text === "??" && token.text !== "??")
    throw new FormulaError(token.at, `?? and ${token.text} need parentheses around one of them`);
  if (comparisons.includes(before.text) && comparisons.includes(token.text))
    throw new FormulaError(token.at, "comparisons are not chained here; write a < b and b < c");
}

function count({ least, most }: FormulaFunction): string {
  if (least === most) return `${least} ${least === 1 ? "argument" : "arguments"}`;
  return most === Number.POSITIVE_INFINITY ? `at least ${least}` : `${least} or ${most} arguments`;
}

const otherNames: Readonly<Record<string, string>> = {
  avg: "mean",
  average: "mean",
  length: "len",
  size: "len",
  trunc: "int",
};

function unknownFunction(name: string): string {
  const meant = Object.hasOwn(otherNames, name) ? ` expr calls it ${otherNames[name]}.` : "";
  return `${name} is no function of Sluice's subset of expr.${meant} There are: ${Object.keys(functions).join(", ")}`;
}
