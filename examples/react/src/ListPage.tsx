import { useQuery } from "@apollo/client/react";
import { useEffect, useRef } from "react";
import { Link, useSearchParams } from "react-router";
import { graphql } from "../generated/gql";
import type { ProductCardFragment, ProductSort } from "../generated/graphql";
import { CHANNEL, hasCode, LOCALE } from "./client";
import { FilterPanel } from "./Filters";
import { buildFilter } from "./filter-url";
import { describeStock, formatTitle } from "./format";
import { useTitle } from "./Layout";
import { Picture } from "./Picture";
import { Price } from "./Price";
import { getProductPrice } from "./price";
import { useShops } from "./shops";

const PRODUCTS = graphql(`
  query Products(
    $channelKey: String!, $locale: Locale, $near: GeoPointInput, $after: String
    $search: String, $filter: ProductFilter, $sort: ProductSort
  ) {
    products(first: 24, after: $after, channelKey: $channelKey, search: $search, filter: $filter, sort: $sort) {
      edges { cursor node { ...ProductCard } }
      pageInfo { hasNextPage endCursor }
      totalCount
      facets(keys: ["category", "color", "material", "price"]) { ...FilterGroup }
    }
  }
  fragment ProductCard on Product {
    id
    handle
    title
    featuredImage { ...Picture }
    ...ProductPrice
    attributes(keys: ["color"]) { values { value label(locale: $locale) swatch { color } } }
    nearest: selectedOrFirstAvailableVariant(channelKey: $channelKey) {
      id
      storeAvailability(first: 1, near: $near) { nodes { status location { id name } } }
    }
  }
`);

const SORTS: Record<string, { label: string; sort: ProductSort | null }> = {
  "": { label: "Best match", sort: null },
  title: { label: "Name", sort: { key: "TITLE", direction: "ASC" } },
  cheap: { label: "Price, lowest first", sort: { key: "PRICE", direction: "ASC" } },
  dear: { label: "Price, highest first", sort: { key: "PRICE", direction: "DESC" } },
  sale: { label: "Greatest reduction", sort: { key: "DISCOUNT", direction: "DESC" } },
  new: { label: "Newest", sort: { key: "CREATED_AT", direction: "DESC" } },
};

export function ListPage() {
  const [params, setParams] = useSearchParams();
  const { near } = useShops();
  const search = params.get("q");
  const variables = {
    channelKey: CHANNEL,
    locale: LOCALE,
    near,
    search,
    filter: buildFilter(params),
    sort: SORTS[params.get("sort") ?? ""]?.sort ?? null,
  };
  const { data, previousData, error, fetchMore, refetch } = useQuery(PRODUCTS, { variables });
  const products = (data ?? previousData)?.products;
  useTitle(search ? `Results for “${search}”` : "All products");

  const loadMore = async () => {
    const after = data?.products?.pageInfo.endCursor;
    if (!data?.products?.pageInfo.hasNextPage) return;
    try {
      await fetchMore({ variables: { after } });
    } catch (problem) {
      if (!hasCode(problem, "CURSOR_EXPIRED")) throw problem;
      await refetch(); // a search is stored for some minutes: begin again
    }
  };
  return (
    <>
      <h1>{search ? `Results for “${search}”` : "All products"}</h1>
      <div className="list-bar">
        <p role="status" className="muted">
          {products ? describeCount(products.totalCount) : error ? "Products cannot be loaded at the moment." : "Loading …"}
        </p>
        <label>
          Sort by{" "}
          <select value={params.get("sort") ?? ""} onChange={(event) => setParams(withValue(params, event.target.value))}>
            {Object.entries(SORTS).map(([value, { label }]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div className="list">
        <FilterPanel groups={products?.facets ?? []} />
        <div className="results" aria-busy={!data}>
          <ul className="cards">
            {products
              ? products.edges.map(({ node }, position) => <Card key={node.id} product={node} first={position < 4} />)
              : Array.from({ length: 12 }, (_, position) => <li key={position} className="card skeleton" aria-hidden="true" />)}
          </ul>
          <Rest key={JSON.stringify(variables)} more={!!products?.pageInfo.hasNextPage} load={loadMore} />
        </div>
      </div>
    </>
  );
}

function describeCount(count: number | null | undefined): string {
  if (count === null || count === undefined) return "";
  return count === 1 ? "1 product" : `${count.toLocaleString("en-GB")} products`;
}

function withValue(params: URLSearchParams, sort: string): URLSearchParams {
  const next = new URLSearchParams(params);
  if (sort) next.set("sort", sort);
  else next.delete("sort");
  return next;
}

export function Card({ product, first }: { product: ProductCardFragment; first: boolean }) {
  const shop = product.nearest?.storeAvailability?.nodes[0];
  const colors = product.attributes?.[0]?.values ?? [];
  return (
    <li className="card">
      <Picture image={product.featuredImage} sizes="(max-width: 700px) 45vw, 18rem" first={first} alt="" />
      <Link className="card-link" to={`/products/${product.handle}`}>
        {formatTitle(product.title)}
      </Link>
      <Price shown={getProductPrice(product)} />
      {colors.length > 1 && (
        <p className="dots">
          <span className="visually-hidden">Colors: {colors.map(({ label }) => label).join(", ")}</span>
          {colors.map(({ value, swatch }) => (
            <span key={value} className="dot" style={{ background: swatch?.color ?? "none" }} aria-hidden="true" />
          ))}
        </p>
      )}
      {shop?.location && (
        <p className={`stock ${shop.status}`}>
          {describeStock(shop.status)}: {shop.location.name}
        </p>
      )}
    </li>
  );
}

/** Loads the next page when the end comes near, or by its button: with the keyboard, or where nothing scrolls. */
function Rest({ more, load }: { more: boolean; load: () => Promise<void> }) {
  const end = useRef<HTMLButtonElement>(null);
  const latest = useRef(load);
  const loading = useRef(false);
  latest.current = load;
  const run = async () => {
    if (loading.current) return;
    loading.current = true;
    await latest.current().finally(() => (loading.current = false));
  };
  useEffect(() => {
    if (!end.current) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && void run(), { rootMargin: "600px" });
    observer.observe(end.current);
    return () => observer.disconnect();
  });
  return more ? (
    <button ref={end} type="button" className="quiet more" onClick={() => void run()}>
      Show more products
    </button>
  ) : null;
}
