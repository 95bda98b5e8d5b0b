// Every wish has its effect once: its key is kept until it is known what became of it.

/** What outlives the app: on a phone its own storage, here a map. */
export interface Store {
  get(key: string): string | undefined;
  set(key: string, value: string): unknown;
  delete(key: string): unknown;
}

interface Payload {
  userErrors: readonly { code: string; message: string; retryable: boolean }[];
}

/** A refusal, for the one who wished: `code` is for programs, `message` for people. */
export class RefusedError extends Error {
  constructor(readonly code: string, message: string) {
    super(message);
    this.name = "RefusedError";
  }
}

/**
 * Wish for it: sent again, in this run of the app or the next one, it goes under the same key.
 *
 * @param wish what is wished for, the same text for the same wish
 * @throws RefusedError it was refused. Where that may pass, the key is kept: the same can be wished for again.
 */
export async function wishing<P extends Payload>(store: Store, wish: string, send: (key: string) => Promise<P>): Promise<P> {
  const key = store.get(wish) ?? crypto.randomUUID();
  store.set(wish, key);
  const payload = await send(key);
  if (!payload.userErrors.some((error) => error.retryable)) store.delete(wish);
  const [refusal] = payload.userErrors;
  if (refusal) throw new RefusedError(refusal.code, refusal.message);
  return payload;
}
