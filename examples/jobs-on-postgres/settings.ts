/** A time in milliseconds between two bounds. The bounds come from the environment, in seconds, as `2-10`. */
export function randomMs(name: string, standard: string): number {
  const [least = 0, most = least] = (process.env[name] ?? standard).split("-").map(Number);
  return 1000 * (least + Math.random() * (most - least));
}

/** `DATABASE_URL`, which the Deployment takes from the Secret `postgres-secret`. */
export function databaseUrl(): string {
  const url = process.env.DATABASE_URL;
  if (url === undefined)
    throw new Error("DATABASE_URL must be a postgresql:// URL; it is not set.");
  return url;
}
