// Apollo Client as a shipped app has it: it asks by the hashes of documents that were pushed, and tries again for itself.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import type { DocumentNode } from "graphql";
import { again } from "./again.js";
import { outdated } from "./outdated.js";

/** What holds no token, and can be kept by a CDN on its way. */
const PUBLIC = new Set(["ProductsNear", "ProductPage", "StoreAvailability", "Stores"]);

export interface Options {
  url: string;
  fetch?: typeof fetch;
}

export function client({ url, fetch = globalThis.fetch }: Options): ApolloClient {
  const link = ApolloLink.from([again(), outdated(), persisted(), new HttpLink({ uri: url, fetch })]);
  return new ApolloClient({ link, cache: new InMemoryCache() });
}

/** Public queries with GET, all else with POST: no cart's or order's token ever stands in an address. */
function persisted(): ApolloLink {
  return ApolloLink.split(
    (operation) => PUBLIC.has(operation.operationName ?? ""),
    pushed({ useGETForHashedQueries: true }),
    pushed({ useGETForHashedQueries: false }),
  );
}

/** The hash stands in the build. A document that was not pushed is a mistake of the release: no text is sent after it. */
function pushed(options: { useGETForHashedQueries: boolean }): PersistedQueryLink {
  return new PersistedQueryLink({ ...options, generateHash, retry: () => false, disable: () => false });
}

function generateHash(document: DocumentNode & { __meta__?: { hash?: string } }): string {
  const hash = document.__meta__?.hash;
  if (hash === undefined) throw new Error("this document is not of the manifest");
  return hash;
}
