import { type Clock, SluiceError } from "../core/index.ts";

/** The result of `read`, or a rejection when it takes longer than `limitMs`, as over a half-open connection. */
export function within<T>(clock: Clock, limitMs: number, read: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limitMs, () => {
      const message = `a reading must answer within ${limitMs} ms; this one did not. Check the connection.`;
      reject(new SluiceError("STORE_UNAVAILABLE", message));
    });
    void Promise.resolve().then(read).then(resolve, reject).finally(cancel);
  });
}
