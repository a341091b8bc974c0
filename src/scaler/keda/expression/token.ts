/** One word of a formula. */
export interface Token {
  readonly kind: "number" | "name" | "sign" | "end";
  readonly text: string;
  /** The character at which it begins, from 1. */
  readonly at: number;
}

/** What is wrong with a formula, and where. */
export class FormulaError extends Error {
  override readonly name = "FormulaError";
  /** The character, from 1. */
  readonly at: number;

  constructor(at: number, text: string) {
    super(text);
    this.at = at;
  }
}

const word =
  /\s*(?:(?<number>(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))|(?<name>[A-Za-z_$][\w$]*)|(?<sign>\*\*|\?\?|&&|\|\||[=!<>]=|[-+*/%^()[\]{},?:<>!#|]))/y;

/** Splits a formula into its words; the last is always `end`. Throws {@link FormulaError} for a character it does not know. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const reader = new RegExp(word);
  for (;;) {
    const start = reader.lastIndex;
    const match = reader.exec(text);
    if (match?.groups === undefined) {
      const rest = text.slice(start);
      const at = start + (rest.length - rest.trimStart().length) + 1;
      if (rest.trim() !== "") throw new FormulaError(at, unknown(rest.trim()));
      return [...tokens, { kind: "end", text: "the end", at }];
    }
    const { number, name, sign } = match.groups;
    const found = number ?? name ?? sign ?? "";
    const kind = number !== undefined ? "number" : name !== undefined ? "name" : "sign";
    tokens.push({ kind, text: found, at: reader.lastIndex - found.length + 1 });
  }
}

function unknown(rest: string): string {
  const [character = ""] = rest;
  if (character === '"' || character === "'" || character === "`")
    return "texts are not part of Sluice's subset of expr";
  if (/\d/.test(character))
    return `a number is written in decimal, such as 1.5 or 2e3; got ${rest.split(/[\s,)]/)[0]}`;
  return `${character} is not part of Sluice's subset of expr`;
}
