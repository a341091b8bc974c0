/** Go's `url.QueryEscape`, which metric names and paths of KEDA's are made with: a space becomes +. */
export function queryEscape(text: string): string {
  return encodeURIComponent(text)
    .replaceAll(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

/** The problem with a URL of metadata, or null. */
export function problemOfUrl(name: string, url: string): string | null {
  const protocol = URL.canParse(url) ? new URL(url).protocol : "";
  return protocol === "http:" || protocol === "https:"
    ? null
    : `${name} must be a URL that begins with http:// or https://`;
}
