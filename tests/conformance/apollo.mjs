// Apollo Client: queries, its cache, automatic persisted queries over POST and GET, and ids of published documents.
import { strict as assert } from "node:assert";
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { relayStylePagination } from "@apollo/client/utilities";
import { print } from "graphql";
import { check, push, recorder, sha256, shapes, titles, token, url } from "./checks.mjs";

const PRODUCTS = gql`
  query Products($first: Int!, $after: String) {
    products(first: $first, after: $after, channelKey: "web") {
      edges {
        cursor
        node { ...Card }
      }
      pageInfo { endCursor hasNextPage }
    }
  }
  fragment Card on Product {
    id
    title
    variants(first: 1) { nodes { id sku price { amount currencyCode } } }
  }
`;
const VIEWER = gql`query Viewer { viewer { scopes } }`;
const CART = gql`
  mutation CartCreate($input: CartCreateInput!) {
    cartCreate(input: $input) { cart { id version } userErrors { code message } }
  }
`;

// `through`: wraps its fetch.
function client(links, { through = (fetch) => fetch, ...options } = {}) {
  const { sent, fetch } = recorder();
  const http = new HttpLink({ uri: url, fetch: through(fetch), ...options });
  const cache = new InMemoryCache({ typePolicies: { Query: { fields: { products: relayStylePagination() } } } });
  return { sent, apollo: new ApolloClient({ cache, link: ApolloLink.from([...links, http]) }) };
}

const automatic = (options = {}) => new PersistedQueryLink({ sha256, ...options });
const cart = () => ({ input: { channelKey: "web", idempotencyKey: crypto.randomUUID() } });
const authorized = { headers: { authorization: `Bearer ${token}` } };

await check("a query with a fragment, over POST", async () => {
  const { apollo, sent } = client([]);
  const { data } = await apollo.query({ query: PRODUCTS, variables: { first: 10 } });
  titles(data.products);
  assert.deepEqual(shapes(sent), ["POST text"]);
});

await check("the next page is put behind the first, and every object is kept once", async () => {
  const { apollo } = client([]);
  const { data } = await apollo.query({ query: PRODUCTS, variables: { first: 1 } });
  const variables = { first: 1, after: data.products.pageInfo.endCursor };
  await apollo.query({ query: PRODUCTS, variables, fetchPolicy: "network-only" });
  const seen = apollo.readQuery({ query: PRODUCTS, variables: { first: 1 } });
  assert.equal(new Set(titles(seen.products)).size, 2);
  assert.equal(Object.keys(apollo.extract()).filter((key) => key.startsWith("Product:")).length, 2);
});

await check("an unknown hash is sent with its text over POST; afterwards the hash is sufficient", async () => {
  const query = gql`query SentByPost { channels { key name } }`;
  const first = client([automatic()]);
  await first.apollo.query({ query });
  assert.deepEqual(shapes(first.sent), ["POST hash", "POST text hash"]);
  const second = client([automatic()]);
  const { data } = await second.apollo.query({ query });
  assert.deepEqual(shapes(second.sent), ["POST hash"]);
  assert.ok(data.channels.length > 0);
});

await check("the same over GET: the text goes with POST, the hash with GET", async () => {
  const query = gql`query SentByGet { channels { key kind } }`;
  const first = client([automatic({ useGETForHashedQueries: true })]);
  await first.apollo.query({ query });
  assert.deepEqual(shapes(first.sent), ["GET hash", "POST text hash"]);
  const second = client([automatic({ useGETForHashedQueries: true })]);
  const { data } = await second.apollo.query({ query });
  assert.deepEqual(shapes(second.sent), ["GET hash"]);
  assert.ok(data.channels.length > 0);
});

await check("a mutation by its hash goes over POST, also where queries go over GET", async () => {
  const { apollo, sent } = client([automatic({ useGETForHashedQueries: true })]);
  const { data } = await apollo.mutate({ mutation: CART, variables: cart() });
  assert.deepEqual(data.cartCreate.userErrors, []);
  assert.deepEqual(shapes(sent), ["POST hash", "POST text hash"]);
});

// The texts as they are sent: its cache adds __typename.
const bodies = [PRODUCTS, VIEWER, CART].map((document) => print(new InMemoryCache().transformDocument(document)));
await check("its manifest is pushed with the command", () =>
  push({ format: "apollo-persisted-query-manifest", version: 1, operations: bodies.map((body) => operation(body)) }, "apollo"),
);

function operation(body) {
  const [, type, name] = body.match(/^(query|mutation) (\w+)/);
  return { id: sha256(body), name, type, body };
}

await check("what was pushed runs by its hash where nothing else does", async () => {
  const { apollo, sent } = client([automatic()], authorized);
  const { data } = await apollo.query({ query: VIEWER });
  assert.ok(data.viewer.scopes.length > 0);
  assert.deepEqual(shapes(sent), ["POST hash"]);
});

// As in the draft on persisted documents: the id replaces the text.
function byId(fetch) {
  return (address, { body, ...options }) => {
    const { query, ...asked } = JSON.parse(body);
    return fetch(address, { ...options, body: JSON.stringify({ ...asked, documentId: `sha256:${sha256(query)}` }) });
  };
}

await check("a document of the manifest by its documentId, over POST", async () => {
  const { apollo, sent } = client([], { ...authorized, through: byId });
  titles((await apollo.query({ query: PRODUCTS, variables: { first: 10 } })).data.products);
  const { data } = await apollo.mutate({ mutation: CART, variables: cart() });
  assert.deepEqual(data.cartCreate.userErrors, []);
  assert.deepEqual(shapes(sent), ["POST id", "POST id"]);
});

await check("an id that was not published has its own error code", async () => {
  const { apollo } = client([automatic({ retry: () => false, disable: () => false })], authorized);
  const failure = await apollo.query({ query: gql`query Unknown { channels { id } }` }).catch((error) => error);
  assert.ok(CombinedGraphQLErrors.is(failure), String(failure));
  assert.equal(failure.errors[0].extensions.code, "PERSISTED_QUERY_NOT_FOUND");
});

await check("an error of validation is one of GraphQL, with its code", async () => {
  const { apollo } = client([]);
  const failure = await apollo.query({ query: gql`query Wrong { nothing }` }).catch((error) => error);
  assert.ok(CombinedGraphQLErrors.is(failure), String(failure));
  assert.equal(failure.errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
});
