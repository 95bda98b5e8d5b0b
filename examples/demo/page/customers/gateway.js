/* The client of the gateway. The server of this page adds the token of customer service to each request. */

/* The last intent that has no result yet, and its key. */
let pending = null;

/* The gateway cannot be reached, or refused the request. The message is for the user. */
export class GatewayError extends Error {}

/* Executes a query and returns its data. */
export async function query(text, variables = {}) {
  const { data, errors } = await send(JSON.stringify({ query: text, variables }));
  if (!data || errors?.length) throw new GatewayError((errors ?? []).map((error) => error.message).join(" "));
  return data;
}

/* Executes a mutation and returns its payload. Pressing the button again after a lost response sends the same key, so
   nothing is decided twice. */
export async function mutate(text, input) {
  const [payload] = Object.values(await query(text, { input: { ...input, idempotencyKey: getKey(text, input) } }));
  const { userErrors } = payload;
  if (!userErrors.some((error) => error.code === "IN_PROGRESS")) pending = null;
  if (userErrors.length) throw new GatewayError(userErrors.map((error) => error.message).join(" "));
  return payload;
}

/* Returns the key of the pending intent if it is the same, otherwise a new one. */
function getKey(text, input) {
  const intent = JSON.stringify([text, input]);
  if (pending?.intent !== intent) pending = { intent, key: crypto.randomUUID() };
  return pending.key;
}

async function send(body) {
  const headers = { "content-type": "application/json" };
  try {
    const response = await fetch("/customers/graphql", { method: "POST", headers, body });
    return await response.json();
  } catch (error) {
    throw new GatewayError(`The gateway does not respond: ${error.message}. Press the button again to retry.`);
  }
}
