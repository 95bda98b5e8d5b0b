// The catalog as one list that grows, for any framework.
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";
import { graphql } from "../generated/gql.js";
import type { CatalogQuery, CatalogQueryVariables, SourceState } from "../generated/graphql.js";

const CATALOG = graphql(`
  query Catalog($first: Int!, $after: String, $search: String) {
    products(first: $first, after: $after, search: $search, channelKey: "web") {
      edges {
        cursor
        node {
          id
          title
          handle
          priceRange(channelKey: "web") { min { amount currencyCode } }
        }
      }
      pageInfo { hasNextPage endCursor }
      sources { channel { id key } state asOf }
    }
  }
`);

export type Products = NonNullable<CatalogQuery["products"]>;
export type Product = Products["edges"][number]["node"];

/** One list for each search, filter and sort order; pages of the same list are joined. */
const products = relayStylePagination(["channelKey", "search", "filter", "sort"]);

export function createClient(uri: string): ApolloClient {
  const cache = new InMemoryCache({ typePolicies: { Query: { fields: { products } } } });
  return new ApolloClient({ link: new HttpLink({ uri }), cache });
}

export interface Catalog {
  /** Loads the next page, unless there is none or it is being loaded. */
  loadMore(): Promise<void>;
  close(): void;
}

export interface View {
  /** Shows all products that have been loaded. Called each time that there are more. */
  show(products: Products): void;
  fail(error: unknown): void;
}

export function openCatalog(client: ApolloClient, variables: CatalogQueryVariables, view: View): Catalog {
  const query = client.watchQuery({ query: CATALOG, variables, notifyOnNetworkStatusChange: false });
  const subscription = query.subscribe(({ data, dataState, error }) => {
    if (error) view.fail(error);
    else if (dataState === "complete" && data.products) view.show(data.products);
  });
  let loading: Promise<unknown> | null = null;

  async function loadNextPage(): Promise<void> {
    const result = query.getCurrentResult();
    if (result.dataState !== "complete" || !result.data.products?.pageInfo.hasNextPage) return;
    try {
      await query.fetchMore({ variables: { after: result.data.products.pageInfo.endCursor } });
    } catch (error) {
      if (!isExpired(error)) throw error;
      await query.refetch(); // a search is stored for some minutes: begin again
    }
  }

  return {
    async loadMore() {
      loading ??= loadNextPage().finally(() => (loading = null));
      await loading;
    },
    close: () => subscription.unsubscribe(),
  };
}

function isExpired(error: unknown): boolean {
  return CombinedGraphQLErrors.is(error) && error.errors.some(({ extensions }) => extensions?.["code"] === "CURSOR_EXPIRED");
}

export function formatPrice({ priceRange }: Product): string {
  if (!priceRange?.min) return "no price";
  const { amount, currencyCode } = priceRange.min;
  return new Intl.NumberFormat("en-GB", { style: "currency", currency: currencyCode }).format(amount);
}

export function describeState(state: SourceState): string {
  switch (state) {
    case "FRESH":
      return "up to date";
    case "STALE":
      return "may have changed";
    default: // FAILED, and what is added after this program was built
      return "cannot be updated at the moment";
  }
}
