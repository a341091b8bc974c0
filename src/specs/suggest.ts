/** ` Did you mean X?` for the nearest of some words, or nothing when none is near. */
export function suggestion(word: string, known: readonly string[]): string {
  const nearest = nearestTo(word, known);
  return nearest === null ? "" : ` Did you mean ${nearest}?`;
}

/** The known word with the fewest edits to `word`, at most a third of its letters; case does not count. */
export function nearestTo(word: string, known: readonly string[]): string | null {
  if (word.length > longestWord) return null;
  const most = Math.max(1, Math.floor(word.length / 3));
  let nearest: { readonly word: string; readonly edits: number } | null = null;
  for (const one of known) {
    const edits = editsBetween(word.toLowerCase(), one.toLowerCase());
    if (edits <= most && edits < (nearest?.edits ?? Number.POSITIVE_INFINITY))
      nearest = { word: one, edits };
  }
  return nearest?.word ?? null;
}

/** No key that anyone means is longer, and the comparison takes time in the square of it. */
const longestWord = 100;

/** Edits from one word to another: letters put in, taken out, changed, or swapped with their neighbour. */
function editsBetween(a: string, b: string): number {
  let before: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : change;
      next.push(Math.min(change, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
