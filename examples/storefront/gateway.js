/* The client of the gateway: it sends the ids of registered documents, never their text. */

import { expireToken, getToken } from "./token.js";

const ids = await (await fetch("/storefront/documents.json")).json();

/* Operations without tokens use GET, so that browsers and CDNs can cache the responses. */
const PUBLIC_OPERATIONS = new Set(["CollectionPage", "Collections", "ProductList", "ProductPage", "RelatedProducts", "StoreAvailability", "Stores"]);
const LOGIN_CODES = new Set(["TOKEN_EXPIRED", "UNAUTHENTICATED"]);
const RETRIED_CODES = new Set(["OVERLOADED", "RATE_LIMITED"]);
const MAX_ATTEMPTS = 3;
const MAX_WAIT_SECONDS = 10;

/* The gateway cannot be reached, or rejected the request. */
export class GatewayError extends Error {
  constructor(code, message, requestId) {
    super(message);
    Object.assign(this, { name: "GatewayError", code, requestId });
  }
}

/* Executes an operation and returns its data; fields with errors are null. */
export async function query(name, variables) {
  for (let attempt = 1; ; attempt += 1) {
    const token = PUBLIC_OPERATIONS.has(name) ? null : getToken();
    const { response, body } = await sendRequest(name, variables, token);
    const [error] = body.errors ?? [];
    if (hasData(body)) return body.data;
    if (token && LOGIN_CODES.has(error?.extensions?.code)) {
      expireToken(token); // the cart has a token of its own: the request is sent again without the login
      continue;
    }
    if (attempt >= MAX_ATTEMPTS || !RETRIED_CODES.has(error?.extensions?.code)) throw createError(response, error);
    await wait(getWaitSeconds(response));
  }
}

/* Executes a mutation with the key of its intent, and returns its payload. */
export async function mutate(name, { key, input }) {
  const [payload] = Object.values(await query(name, { input: { ...input, idempotencyKey: key } }));
  return payload;
}

/* Whether the response contains data; fields with errors may be null. */
function hasData({ data, errors }) {
  return data && (!errors || Object.values(data).some((value) => value !== null));
}

async function sendRequest(name, variables, token) {
  const documentId = ids[name];
  const accept = "application/graphql-response+json, application/json;q=0.9";
  try {
    const response = PUBLIC_OPERATIONS.has(name)
      ? await fetch(`/storefront/graphql?${new URLSearchParams({ documentId, variables: JSON.stringify(variables) })}`, {
          headers: { accept },
        })
      : await fetch("/storefront/graphql", {
          method: "POST",
          headers: { accept, "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
          body: JSON.stringify({ documentId, variables }),
        });
    return { response, body: await response.json() };
  } catch (error) {
    throw new GatewayError("UNREACHABLE", `The store cannot be reached: ${error.message}`);
  }
}

function createError(response, error) {
  const code = error?.extensions?.code ?? `HTTP_${response.status}`;
  return new GatewayError(code, error?.message ?? "The gateway did not respond.", error?.extensions?.requestId);
}

/* Returns the time to wait in seconds, plus a random delay, so that clients do not all retry at the same time. */
function getWaitSeconds(response) {
  const seconds = Number.parseInt(response.headers.get("retry-after") ?? "1", 10);
  return Math.min(Number.isNaN(seconds) ? 1 : seconds, MAX_WAIT_SECONDS) + Math.random() / 2;
}

function wait(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
