/** Who may do what: shared access signatures and bearer tokens, as the service checks them. */
import { createHmac, timingSafeEqual } from "node:crypto";

export type Right = "Manage" | "Send" | "Listen";

/** A shared access policy of the namespace, or of one queue. */
export interface SharedKey {
  readonly name: string;
  readonly key: string;
  readonly rights: readonly Right[];
  /** Only for this queue. Default: all. */
  readonly queue?: string;
}

/** What a token allows. */
export interface Claim {
  readonly rights: readonly Right[];
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Why a token is refused. */
export class TokenRefusal extends Error {}

/** Checks tokens against what the namespace knows. */
export interface TokenCheck {
  readonly keys: readonly SharedKey[];
  /** Bearer tokens as Entra ID would give them: here each is known by its text. */
  readonly bearers: ReadonlyMap<string, Claim>;
}

/** What `token` allows for `resource`, a path below the namespace. Throws {@link TokenRefusal}. */
export function checkToken(check: TokenCheck, token: string, resource: string): Claim {
  const claim = token.startsWith("SharedAccessSignature ")
    ? checkSignature(check.keys, token.slice("SharedAccessSignature ".length), resource)
    : check.bearers.get(token.replace(/^Bearer /i, ""));
  if (claim === undefined) throw new TokenRefusal("InvalidToken: the bearer token is not known.");
  if (claim.expiresAt <= Date.now()) throw new TokenRefusal("ExpiredToken: the token is expired.");
  return claim;
}

function checkSignature(keys: readonly SharedKey[], text: string, resource: string): Claim {
  const fields = new Map(
    text.split("&").map((part) => {
      const at = part.indexOf("=");
      return [part.slice(0, at), part.slice(at + 1)] as const;
    }),
  );
  const [sr = "", sig = "", se = "", skn = ""] = ["sr", "sig", "se", "skn"].map((name) =>
    fields.get(name),
  );
  const known = keys.find(({ name }) => name === decodeURIComponent(skn));
  if (known === undefined) throw new TokenRefusal("InvalidSignature: the key name is not known.");
  const expected = createHmac("sha256", known.key).update(`${sr}\n${se}`).digest();
  const came = Buffer.from(decodeURIComponent(sig), "base64");
  if (came.length !== expected.length || !timingSafeEqual(came, expected))
    throw new TokenRefusal("InvalidSignature: The token has an invalid signature.");
  const signed = pathOf(decodeURIComponent(sr));
  if (!isWithin(resource, signed) || (known.queue && !isWithin(resource, known.queue)))
    throw new TokenRefusal("InvalidAudience: the token is for another resource.");
  return { rights: known.rights, expiresAt: Number(se) * 1000 };
}

/** The path below the namespace, without the query: `sb://host/queue/$management` is `queue/$management`. */
export function pathOf(audience: string): string {
  return audience
    .replace(/^[a-z]+:\/\/[^/]*\/?/i, "")
    .replace(/[?].*$/, "")
    .replace(/\/$/, "")
    .toLowerCase();
}

/** Whether a resource is the one named or lies below it. */
export function isWithin(resource: string, parent: string): boolean {
  const [path, above] = [resource.toLowerCase(), parent.toLowerCase()];
  return above === "" || path === above || path.startsWith(`${above}/`);
}
