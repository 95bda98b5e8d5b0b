// What the user wants, stored until the gateway has answered: nothing is lost, and nothing takes effect twice.
//
// Each tap is an intent with a key of its own. It is sent with the same key and the same input until there is a response,
// also after the app was restarted. Two taps are two intents, even for the same product.

/** Persistent storage: on a phone the app's own, here a map. */
export interface Storage {
  get(key: string): string | undefined;
  set(key: string, value: string): unknown;
  delete(key: string): unknown;
}

export interface Intent<Input> {
  /** The idempotency key. */
  key: string;
  input: Input;
  /** Whether it may have reached the gateway: its input does not change any more. */
  sent: boolean;
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

export interface Delivery<Input> {
  /** Completes an input just before it is first sent. */
  prepare(input: Input): Input;
  /** Sends an intent. It returns when there is a response, and throws if there is none. */
  send(intent: Intent<Input>): Promise<Payload>;
}

/** Intents in their order, one at a time on its way. */
export class IntentQueue<Input> {
  private running: Promise<void> | null = null;

  constructor(
    private readonly storage: Storage,
    private readonly name: string,
    private readonly delivery: Delivery<Input>,
  ) {}

  list(): Intent<Input>[] {
    return JSON.parse(this.storage.get(this.name) ?? "[]") as Intent<Input>[];
  }

  /** Stores an intent. `drain` sends it. */
  add(input: Input): void {
    this.save([...this.list(), createIntent(input)]);
  }

  /**
   * Sends all intents. Those without a response stay for the next time.
   *
   * @throws RejectedError an intent was rejected; the others were sent
   */
  drain(): Promise<void> {
    return (this.running ??= this.sendAll());
  }

  private async sendAll(): Promise<void> {
    await null; // `running` is set first
    let rejected: RejectedError | undefined;
    try {
      for (let next = this.takeFirst(); next; next = this.takeFirst()) {
        const { key } = next;
        rejected ??= getRejection(await this.delivery.send(next));
        this.save(this.list().filter((intent) => intent.key !== key));
      }
    } finally {
      this.running = null;
    }
    if (rejected) throw rejected;
  }

  private takeFirst(): Intent<Input> | undefined {
    const [first, ...others] = this.list();
    if (!first || first.sent) return first;
    const sent = { ...first, input: this.delivery.prepare(first.input), sent: true };
    this.save([sent, ...others]);
    return sent;
  }

  private save(intents: Intent<Input>[]): void {
    this.storage.set(this.name, JSON.stringify(intents));
  }
}

/** One decision, such as the order of a cart: another choice is another intent, with another key. */
export class Decision<Input> {
  constructor(
    private readonly storage: Storage,
    private readonly name: string,
  ) {}

  /** The decision that has no response yet. */
  get(): Intent<Input> | null {
    return JSON.parse(this.storage.get(this.name) ?? "null") as Intent<Input> | null;
  }

  /** Whether the stored decision is about something else than this. */
  hasChanged(input: Input): boolean {
    const stored = this.get();
    return stored !== null && JSON.stringify(stored.input) !== JSON.stringify(input);
  }

  /**
   * Sends a decision: a stored one about the same with its key, otherwise a new one.
   *
   * @throws RejectedError the mutation was rejected
   */
  async send<P extends Payload>(input: Input, send: (intent: Intent<Input>) => Promise<P>): Promise<P> {
    const stored = this.get();
    const intent = stored && !this.hasChanged(input) ? stored : createIntent(input);
    this.storage.set(this.name, JSON.stringify({ ...intent, sent: true }));
    const payload = await send(intent);
    const rejected = getRejection(payload);
    this.storage.delete(this.name);
    if (rejected) throw rejected;
    return payload;
  }
}

function createIntent<Input>(input: Input): Intent<Input> {
  return { key: crypto.randomUUID(), input, sent: false };
}

/** Returns why a mutation was rejected. `IN_PROGRESS` is no result: the same request has to be sent again. */
function getRejection({ userErrors: [error] }: Payload): RejectedError | undefined {
  if (error?.code === "IN_PROGRESS") throw new Error("There is no result yet.");
  return error && new RejectedError(error.code, error.message);
}
