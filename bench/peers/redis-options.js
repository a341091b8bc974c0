/** A Redis URL as the options that every client takes. */
export function redisOptions(url) {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname,
    port: Number(port),
    db: Number(pathname.slice(1)),
    ...(username !== "" && { username }),
    ...(password !== "" && { password }),
  };
}
