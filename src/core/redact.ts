/**
 * The URL as it may be shown: a password, and every value whose name speaks of a secret, are replaced by `***`, in a query
 * as well as in a connection string of parts between semicolons.
 * Works on text that is no valid URL as well, since that is what error messages show.
 */
export function redactUrl(url: string): string {
  // Up to the last @: a password whose / # or ? is not encoded must not show its rest.
  return url
    .replace(/(\/\/[^/?#\s@:]*:)\S*@/, "$1***@")
    .replace(
      /((?:^|[?&;])(?!SharedAccessKeyName=)[^=&;]*(?:password|secret|token|key|sas|sig)[^=&;]*=)[^&;]*/gi,
      "$1***",
    );
}
