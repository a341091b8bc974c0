/** What a request to RabbitMQ's management API is. */
export interface ManagementRequest {
  /** Default: GET. */
  readonly method?: string;
  /** Below `/api/`. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** Asks the management API of a test server, as its administrator. Rejects with the answer when that is no success. */
export async function askManagement(
  adminUrl: string,
  request: ManagementRequest,
): Promise<unknown> {
  const { method = "GET", path, body } = request;
  const { origin, username, password } = new URL(adminUrl);
  const response = await fetch(`${origin}/api/${path}`, {
    method,
    headers: {
      authorization: `Basic ${btoa(`${username}:${password}`)}`,
      "content-type": "application/json",
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}
