/* What the customer wants, stored until the gateway has answered: nothing is lost, and nothing takes effect twice.

   Each tap is an intent with a key of its own. It is sent with the same key and input until there is a response, after
   a lost connection and a reload as well. Two taps are two intents, even for the same product. */

function create(input) {
  return { key: crypto.randomUUID(), input, sent: false };
}

/* Whether the payload is a result: otherwise the same request has to be sent again. */
export function isDecided({ userErrors }) {
  return !userErrors.some((error) => error.code === "IN_PROGRESS");
}

/* Intents in their order, one at a time on its way. `prepare` completes an input just before it is first sent; `send`
   throws if there is no response. */
export class IntentQueue {
  #running = null;

  constructor(name, { prepare, send }) {
    Object.assign(this, { name, prepare, send });
  }

  list() {
    return JSON.parse(localStorage.getItem(this.name) ?? "[]");
  }

  add(input) {
    this.#save([...this.list(), create(input)]);
  }

  clear() {
    localStorage.removeItem(this.name);
  }

  drain() {
    return (this.#running ??= this.#sendAll());
  }

  async #sendAll() {
    await null; // `#running` is set first
    try {
      for (let next = this.#takeFirst(); next; next = this.#takeFirst()) {
        const { key } = next;
        await this.send(next);
        this.#save(this.list().filter((intent) => intent.key !== key));
      }
    } finally {
      this.#running = null;
    }
  }

  #takeFirst() {
    const [first, ...others] = this.list();
    if (!first || first.sent) return first;
    const sent = { ...first, input: this.prepare(first.input), sent: true };
    this.#save([sent, ...others]);
    return sent;
  }

  #save(intents) {
    localStorage.setItem(this.name, JSON.stringify(intents));
  }
}

/* One decision, such as the order of a cart: another choice is another intent, with another key. */
export class Decision {
  constructor(name) {
    this.name = name;
  }

  get() {
    return JSON.parse(localStorage.getItem(this.name) ?? "null");
  }

  /* Returns the stored intent if it is about the same choice, otherwise a new one. */
  decide(input) {
    const stored = this.get();
    const intent = stored && JSON.stringify(stored.input) === JSON.stringify(input) ? stored : create(input);
    localStorage.setItem(this.name, JSON.stringify(intent));
    return intent;
  }

  clear() {
    localStorage.removeItem(this.name);
  }
}
