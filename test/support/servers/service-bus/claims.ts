/** What one connection may do, from the tokens that it put. A claim that ends takes the links with it. */
import { Refusal } from "./message-queue.ts";
import {
  type Claim,
  checkToken,
  isWithin,
  pathOf,
  type Right,
  type TokenCheck,
  TokenRefusal,
} from "./tokens.ts";

/** See the top of this file. */
export class Claims {
  readonly #claims = new Map<string, Claim>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #onExpiry: (path: string) => void;

  constructor(onExpiry: (path: string) => void) {
    this.#onExpiry = onExpiry;
  }

  /** Takes a token for an audience such as `sb://host/queue`. Returns why it is refused, or `null`. */
  put(check: TokenCheck, token: string, audience: string): string | null {
    const path = pathOf(audience);
    try {
      const claim = checkToken(check, token, path);
      this.#claims.set(path, claim);
      clearTimeout(this.#timers.get(path));
      const left = Math.min(claim.expiresAt - Date.now(), 2 ** 31 - 1);
      const timer = setTimeout(() => this.#onExpiry(path.replace(/\/\$management$/, "")), left);
      timer.unref();
      this.#timers.set(path, timer);
      return null;
    } catch (error) {
      if (error instanceof TokenRefusal) return error.message;
      throw error;
    }
  }

  /** Throws unless a token that is not expired gives the right for the path; any right will do for `null`. */
  check(path: string, right: Right | null): void {
    const fitting = [...this.#claims].filter(
      ([own, { expiresAt }]) =>
        expiresAt > Date.now() && isWithin(path, own.replace(/\/\$management$/, "")),
    );
    if (fitting.length === 0)
      throw new Refusal("amqp:unauthorized-access", `Unauthorized access. No token for ${path}.`);
    if (right !== null && !fitting.some(([, { rights }]) => rights.includes(right)))
      throw new Refusal(
        "amqp:unauthorized-access",
        `Unauthorized access. '${right}' claim(s) are required to perform this operation.`,
      );
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }
}
