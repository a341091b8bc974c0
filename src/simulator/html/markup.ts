/** Text made safe to stand in HTML and SVG, also in attributes. */
export function escapeText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** JSON that may stand in a script element. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

/** A coordinate, short. */
export function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** At most as many characters; what is cut off ends with an ellipsis. */
export function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, Math.max(1, most - 1))}…`;
}

/** A figure for people: 1,234, 12.3, 0.05. */
export function figure(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en");
  const digits = size >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}
