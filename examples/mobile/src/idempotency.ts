// Sends each mutation so that it takes effect once: its input and key are stored until the result is known.

/** Persistent storage: on a phone the app's own, here a map. */
export interface Storage {
  get(key: string): string | undefined;
  set(key: string, value: string): unknown;
  delete(key: string): unknown;
}

interface Payload {
  userErrors: readonly { code: string; message: string }[];
}

/** The mutation was rejected: `code` is for programs, `message` for the customer. */
export class RejectedError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "RejectedError";
  }
}

/**
 * Sends a mutation. If a request of this name has no result yet, from this or an earlier run of the app, it is sent again
 * with its key and input, and `input` is ignored.
 *
 * @throws RejectedError the mutation was rejected
 */
export async function mutateOnce<Input, P extends Payload>(
  storage: Storage,
  name: string,
  input: Input,
  send: (input: Input & { idempotencyKey: string }) => Promise<P>,
): Promise<P> {
  const stored = storage.get(name) ?? JSON.stringify({ ...input, idempotencyKey: crypto.randomUUID() });
  storage.set(name, stored);
  const payload = await send(JSON.parse(stored) as Input & { idempotencyKey: string });
  const [error] = payload.userErrors;
  if (error?.code !== "IN_PROGRESS") storage.delete(name);
  if (error) throw new RejectedError(error.code, error.message);
  return payload;
}
