// The Apollo Client: catalog queries with GET, which browsers and CDNs cache; carts and orders with POST.
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache } from "@apollo/client";
import { RetryLink } from "@apollo/client/link/retry";
import { relayStylePagination } from "@apollo/client/utilities";

export const CHANNEL = "web"; // the channel of this page: its prices, its carts
export const LOCALE = "en-GB";

/** Operations whose variables contain the token of a cart or order. They are never part of a URL. */
const PRIVATE_OPERATIONS = new Set(["Cart", "PlacedOrder", "Delivery", "Preview", "Order"]);

const keyArgs = ["channelKey", "search", "filter", "sort"];

export function createClient(): ApolloClient {
  const link = ApolloLink.split(
    ({ operationName, operationType }) => operationType === "query" && !PRIVATE_OPERATIONS.has(operationName ?? ""),
    new HttpLink({ uri: "/graphql", useGETForQueries: true }),
    new HttpLink({ uri: "/graphql" }),
  );
  const typePolicies = { Query: { fields: { products: relayStylePagination(keyArgs) } } };
  // Retrying is safe: a query changes nothing, and a mutation has the key of its intent.
  return new ApolloClient({ link: new RetryLink().concat(link), cache: new InMemoryCache({ typePolicies }) });
}

export function hasCode(error: unknown, code: string): boolean {
  return CombinedGraphQLErrors.is(error) && error.errors.some(({ extensions }) => extensions?.["code"] === code);
}
