/**
 * The URL as it may be shown: a password, and every query value whose name speaks of a secret, are replaced by `***`.
 * Works on text that is no valid URL as well, since that is what error messages show.
 */
export function redactUrl(url: string): string {
  return url
    .replace(/(\/\/[^/?#\s@]*?:)[^/?#\s]*@/, "$1***@")
    .replace(/([?&;][^=&;]*(?:password|secret|token|key|sas|sig)[^=&;]*=)[^&;]*/gi, "$1***");
}
