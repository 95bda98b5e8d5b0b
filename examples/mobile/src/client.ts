// The Apollo Client of a released app: it sends the hashes of registered documents, and retries failed requests.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import type { DocumentNode } from "graphql";
import { createLoginLink, type Login } from "./login.js";
import { createOutdatedLink } from "./outdated.js";
import { createRetryLink } from "./retry.js";

/** Operations without tokens in their variables: a CDN can cache their responses. */
const PUBLIC_OPERATIONS = new Set(["ProductsNear", "ProductPage", "StoreAvailability", "Stores"]);

export interface Options {
  url: string;
  fetch?: typeof fetch;
  /** The login of the customer; none: guests only. */
  login?: Login;
}

export function createClient({ url, fetch = globalThis.fetch, login }: Options): ApolloClient {
  const http = new HttpLink({ uri: url, fetch });
  const link = ApolloLink.from([createRetryLink(), createOutdatedLink(), createMethodLink(login), http]);
  return new ApolloClient({ link, cache: new InMemoryCache() });
}

/**
 * Sends public queries with GET and all others with POST, so that no token of a cart or order is part of a URL. Public
 * queries have no token of a login either: a CDN caches their responses for all.
 */
function createMethodLink(login: Login | undefined): ApolloLink {
  const posted = createPersistedLink({ useGETForHashedQueries: false });
  return ApolloLink.split(
    (operation) => PUBLIC_OPERATIONS.has(operation.operationName ?? ""),
    createPersistedLink({ useGETForHashedQueries: true }),
    login ? ApolloLink.from([createLoginLink(login), posted]) : posted,
  );
}

/** Sends the hash from the build, and never a text: a document that was not registered is an error of the release. */
function createPersistedLink(options: { useGETForHashedQueries: boolean }): PersistedQueryLink {
  return new PersistedQueryLink({ ...options, generateHash, retry: () => false, disable: () => false });
}

function generateHash(document: DocumentNode & { __meta__?: { hash?: string } }): string {
  const hash = document.__meta__?.hash;
  if (hash === undefined) throw new Error("The document is not part of the manifest.");
  return hash;
}
