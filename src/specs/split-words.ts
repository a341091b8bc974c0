/**
 * A command line as a list: a JSON list of texts as it is, anything else cut at spaces as a shell does, with single and
 * double quotes and backslashes, but without variables or patterns. Null when a quote or the list is not closed.
 */
export function splitWords(line: string): readonly string[] | null {
  const trimmed = line.trim();
  return trimmed.startsWith("[") ? listOf(trimmed) : wordsOf(trimmed);
}

function listOf(text: string): readonly string[] | null {
  try {
    const value: unknown = JSON.parse(text);
    const isList = Array.isArray(value) && value.every((one) => typeof one === "string");
    return isList ? value : null;
  } catch {
    return null; // no JSON: the caller says what is expected
  }
}

/** A word: pieces without space between them, each plain, quoted or escaped. */
const piece = /'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^\s'"\\]+)/y;

function wordsOf(text: string): readonly string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  for (let at = 0; at < text.length; ) {
    if (/\s/.test(text[at] ?? "")) {
      if (word !== null) words.push(word);
      word = null;
      at += 1;
      continue;
    }
    piece.lastIndex = at;
    const found = piece.exec(text);
    if (found === null) return null;
    const [whole, single, double, escaped, plain] = found;
    word =
      (word ?? "") + (single ?? double?.replaceAll(/\\([\\"$`])/g, "$1") ?? escaped ?? plain ?? "");
    at += whole.length;
  }
  return word === null ? words : [...words, word];
}
