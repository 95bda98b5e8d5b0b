/* How the page asks the gateway: by the ids of documents that were pushed before it was shipped, never with a text. */

const ids = await (await fetch("documents.json")).json();

/* What holds no token is asked for with GET, so that a browser and a CDN can keep the answer. */
const PUBLIC = new Set(["ProductsNear", "ProductPage", "StoreAvailability", "Stores"]);
const RETRIED = new Set(["OVERLOADED", "RATE_LIMITED"]);
const ATTEMPTS = 3;
const LONGEST_WAIT = 10;

/* An answer that is none: nobody can be reached, or the gateway says what is wrong with the request. */
export class AnswerError extends Error {
  constructor(code, message, requestId) {
    super(message);
    Object.assign(this, { name: "AnswerError", code, requestId });
  }
}

/* The answer to a document: `data` and the `errors` of single fields, of which the page goes without. */
export async function ask(name, variables) {
  for (let attempt = 1; ; attempt += 1) {
    const { response, body } = await sent(name, variables);
    const [error] = body.errors ?? [];
    if (answers(body)) return body.data;
    if (attempt === ATTEMPTS || !RETRIED.has(error?.extensions?.code)) throw refused(response, error);
    await pause(waitOf(response));
  }
}

/* A wish, which has its effect once however often it is sent. It is kept, with its key, until the gateway has said what
   became of it: after a lost answer, or when the page was loaded anew, it is sent again as it was, word for word.
   `about`: a name for it, so that there are not two of its kind at once. */
export async function wish(name, input, about = JSON.stringify(input)) {
  const kept = `${name} ${about}`;
  const whole = unanswered(name, about) ?? { ...input, idempotencyKey: crypto.randomUUID() };
  sessionStorage.setItem(kept, JSON.stringify(whole));
  const [payload] = Object.values(await ask(name, { input: whole }));
  if (!payload.userErrors.some((error) => error.code === "IN_PROGRESS")) sessionStorage.removeItem(kept);
  return payload;
}

/* What was wished for under this name, and has no answer yet. */
export function unanswered(name, about) {
  return JSON.parse(sessionStorage.getItem(`${name} ${about}`) ?? "null");
}

/* Beside an error of one field the rest of the data holds. */
function answers({ data, errors }) {
  return data && (!errors || Object.values(data).some((value) => value !== null));
}

async function sent(name, variables) {
  const documentId = ids[name];
  const accept = "application/graphql-response+json, application/json;q=0.9";
  try {
    const response = PUBLIC.has(name)
      ? await fetch(`graphql?${new URLSearchParams({ documentId, variables: JSON.stringify(variables) })}`, {
          headers: { accept },
        })
      : await fetch("graphql", {
          method: "POST",
          headers: { accept, "content-type": "application/json" },
          body: JSON.stringify({ documentId, variables }),
        });
    return { response, body: await response.json() };
  } catch (error) {
    throw new AnswerError("UNREACHABLE", `The store cannot be reached: ${error.message}`);
  }
}

function refused(response, error) {
  const code = error?.extensions?.code ?? `HTTP_${response.status}`;
  return new AnswerError(code, error?.message ?? "There is no answer.", error?.extensions?.requestId);
}

/* Seconds, and a little more for some, so that not all come back at once. */
function waitOf(response) {
  const told = Number.parseInt(response.headers.get("retry-after") ?? "1", 10);
  return Math.min(Number.isNaN(told) ? 1 : told, LONGEST_WAIT) + Math.random() / 2;
}

function pause(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
