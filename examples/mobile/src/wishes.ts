// Every wish has its effect once: it is kept, with its key, until it is known what became of it.

/** What outlives the app: on a phone its own storage, here a map. */
export interface Store {
  get(key: string): string | undefined;
  set(key: string, value: string): unknown;
  delete(key: string): unknown;
}

interface Payload {
  userErrors: readonly { code: string; message: string }[];
}

/** A refusal, for the one who wished: `code` is for programs, `message` for people. */
export class RefusedError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "RefusedError";
  }
}

/**
 * Wish for it. A wish of this name that has no answer yet is sent again as it was, in this run of the app or the next one.
 *
 * @throws RefusedError it was refused
 */
export async function wishing<Input, P extends Payload>(
  store: Store,
  name: string,
  input: Input,
  send: (whole: Input & { idempotencyKey: string }) => Promise<P>,
): Promise<P> {
  const kept = store.get(name) ?? JSON.stringify({ ...input, idempotencyKey: crypto.randomUUID() });
  store.set(name, kept);
  const payload = await send(JSON.parse(kept) as Input & { idempotencyKey: string });
  const [refusal] = payload.userErrors;
  if (refusal?.code !== "IN_PROGRESS") store.delete(name);
  if (refusal) throw new RefusedError(refusal.code, refusal.message);
  return payload;
}
