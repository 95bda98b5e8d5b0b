// What the customer wants, stored until the gateway has answered: nothing is lost, and nothing takes effect twice.
//
// Each tap is an intent with a key of its own. An intent is sent again with the same key and the same input until there
// is a response, after a lost connection and after a reload as well. Two taps are two intents, even for the same product.

export interface Intent<Input> {
  /** The idempotency key. */
  key: string;
  input: Input;
  /** Whether it may have reached the gateway: its input does not change any more. */
  sent: boolean;
}

/** Storage that survives a reload. */
export type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

function createIntent<Input>(input: Input): Intent<Input> {
  return { key: crypto.randomUUID(), input, sent: false };
}

export interface Delivery<Input> {
  /** Completes an input just before it is first sent. */
  prepare(input: Input): Input;
  /** Sends an intent. It returns when there is a response, and throws if there is none. */
  send(intent: Intent<Input>): Promise<void>;
}

/** A list of intents in their order, one at a time on its way. */
export class IntentQueue<Input> {
  private running: Promise<void> | null = null;

  constructor(
    private readonly store: Store,
    private readonly name: string,
    private readonly delivery: Delivery<Input>,
  ) {}

  list(): Intent<Input>[] {
    return JSON.parse(this.store.getItem(this.name) ?? "[]") as Intent<Input>[];
  }

  /** Stores an intent. It is sent by `drain`. */
  add(input: Input): void {
    this.save([...this.list(), createIntent(input)]);
  }

  /** Sends all intents. Those that have no response stay, for the next time. */
  drain(): Promise<void> {
    return (this.running ??= this.sendAll().finally(() => (this.running = null)));
  }

  private async sendAll(): Promise<void> {
    for (let next = this.takeFirst(); next; next = this.takeFirst()) {
      const { key } = next;
      await this.delivery.send(next);
      this.save(this.list().filter((intent) => intent.key !== key));
    }
  }

  private takeFirst(): Intent<Input> | undefined {
    const [first, ...others] = this.list();
    if (!first || first.sent) return first;
    const sent = { ...first, input: this.delivery.prepare(first.input), sent: true };
    this.save([sent, ...others]);
    return sent;
  }

  private save(intents: Intent<Input>[]): void {
    this.store.setItem(this.name, JSON.stringify(intents));
  }
}

/** The one decision of its name, such as the order of a cart: another choice is another intent, with another key. */
export class Decision<Input> {
  constructor(
    private readonly store: Store,
    private readonly name: string,
  ) {}

  /** The decision that has no response yet. */
  get(): Intent<Input> | null {
    return JSON.parse(this.store.getItem(this.name) ?? "null") as Intent<Input> | null;
  }

  /** Returns the stored intent if it is about the same choice, otherwise a new one. */
  decide(input: Input): Intent<Input> {
    const stored = this.get();
    const intent = stored && JSON.stringify(stored.input) === JSON.stringify(input) ? stored : createIntent(input);
    this.store.setItem(this.name, JSON.stringify(intent));
    return intent;
  }

  clear(): void {
    this.store.removeItem(this.name);
  }
}
