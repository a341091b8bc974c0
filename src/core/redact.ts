/**
 * The URL as it may be shown: a password, and every query value whose name speaks of a secret, are replaced by `***`.
 * Works on text that is no valid URL as well, since that is what error messages show.
 */
export function redactUrl(url: string): string {
  // Up to the last @: a password whose / # or ? is not encoded must not show its rest.
  return url
    .replace(/(\/\/[^/?#\s@:]*:)\S*@/, "$1***@")
    .replace(/([?&;][^=&;]*(?:password|secret|token|key|sas|sig)[^=&;]*=)[^&;]*/gi, "$1***");
}
