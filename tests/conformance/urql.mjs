// urql with its exchange for persisted documents, over POST and GET.
import { strict as assert } from "node:assert";
import { Client, fetchExchange, gql } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { parse, print } from "graphql";
import { check, push, recorder, sha256, shapes, titles, token, url } from "./checks.mjs";

const PRODUCTS = `
  query Products($first: Int!) {
    products(first: $first, channelKey: "web") { nodes { id title } pageInfo { endCursor hasNextPage } }
  }
`;
const CART = `
  mutation CartCreate($input: CartCreateInput!) {
    cartCreate(input: $input) { cart { id version } userErrors { code message } }
  }
`;
const cart = () => ({ input: { channelKey: "web", idempotencyKey: crypto.randomUUID() } });
const text = (document) => print(parse(document));

function client(persisted, options = {}) {
  const { sent, fetch } = recorder();
  const exchanges = [...(persisted ? [persistedExchange(persisted)] : []), fetchExchange];
  return { sent, urql: new Client({ url, fetch, exchanges, preferGetMethod: false, ...options }) };
}

async function answer(operation) {
  const { data, error } = await operation.toPromise();
  if (error) throw error;
  return data;
}

const authorized = { fetchOptions: { headers: { authorization: `Bearer ${token}` } } };

await check("a query over POST, and over GET", async () => {
  const { urql, sent } = client();
  titles((await answer(urql.query(gql(PRODUCTS), { first: 10 }))).products);
  titles((await answer(urql.query(gql(PRODUCTS), { first: 10 }, { preferGetMethod: "force" }))).products);
  assert.deepEqual(shapes(sent), ["POST text", "GET text"]);
});

for (const [method, preferGetForPersistedQueries] of [["POST", false], ["GET", "force"]]) {
  await check(`a hash is sent with its text once and is sufficient afterwards, over ${method}`, async () => {
    const query = gql`query ${`Sent${method}`} { channels { key } }`;
    const first = client({ preferGetForPersistedQueries });
    await answer(first.urql.query(query, {}));
    assert.deepEqual(shapes(first.sent), [`${method} hash`, `${method} text hash`]);
    const second = client({ preferGetForPersistedQueries });
    assert.ok((await answer(second.urql.query(query, {}))).channels.length > 0);
    assert.deepEqual(shapes(second.sent), [`${method} hash`]);
  });
}

await check("a mutation by its hash", async () => {
  const { urql, sent } = client({ enableForMutation: true });
  const { cartCreate } = await answer(urql.mutation(gql(CART), cart()));
  assert.deepEqual(cartCreate.userErrors, []);
  assert.deepEqual(shapes(sent), ["POST hash", "POST text hash"]);
});

await check("what was pushed runs by its hash where nothing else does", async () => {
  await push({ [`sha256:${sha256(text(PRODUCTS))}`]: text(PRODUCTS), [`sha256:${sha256(text(CART))}`]: text(CART) }, "urql");
  const generateHash = async (_, document) => sha256(print(document));
  const { urql, sent } = client({ enforcePersistedQueries: true, enableForMutation: true, generateHash }, authorized);
  titles((await answer(urql.query(gql(PRODUCTS), { first: 10 }))).products);
  assert.deepEqual((await answer(urql.mutation(gql(CART), cart()))).cartCreate.userErrors, []);
  assert.ok(shapes(sent).every((shape) => !shape.includes("text")), String(shapes(sent)));
});

// A document without definitions, as a build leaves it, is requested by its id.
const left = (document) => ({ kind: "Document", definitions: [], documentId: `sha256:${sha256(text(document))}` });

for (const method of ["POST", "GET"]) {
  await check(`what was pushed runs by its documentId, over ${method}`, async () => {
    const { urql, sent } = client(undefined, { ...authorized, preferGetMethod: method === "GET" && "force" });
    titles((await answer(urql.query(left(PRODUCTS), { first: 10 }))).products);
    assert.deepEqual(shapes(sent), [`${method} id`]);
  });
}

await check("an error of validation is one of GraphQL, with its code", async () => {
  const { urql } = client();
  const { error } = await urql.query("query Wrong { nothing }", {}).toPromise();
  assert.equal(error.graphQLErrors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
});
