/**
 * The URL as it may be shown: a password, and every value whose name speaks of a secret, are replaced by `***`, in a query
 * as well as in a connection string of parts between semicolons, and in an address within the query.
 * Works on text that is no valid URL as well, since that is what error messages show.
 */
export function redactUrl(url: string): string {
  const [, outer, inner] = withInnerAddress.exec(url) ?? [];
  if (outer !== undefined && inner !== undefined && anyPassword.test(outer))
    return redactUrl(outer) + redactUrl(inner);
  return url
    .replace(anyPassword, "$1***@")
    .replace(/(%2f%2f[^&;\s]*?%3a)[^&;\s]*%40/gi, "$1***%40")
    .replace(
      /((?:^|[?&;])(?!SharedAccessKeyName=)[^=&;]*(?:password|secret|token|key|sas|sig)[^=&;]*=)[^&;]*/gi,
      "$1***",
    );
}

/** Up to the last @: a password whose / # or ? is not encoded must not show its rest. */
const anyPassword = /(\/\/[^/?#\s@:]*:)\S*@/;

/** A URL in whose query stands another one that is not encoded. */
const withInnerAddress = /^([^?]*\?\S*?[^=&;?\s]+=https?:)(\/\/.*)$/s;
