import { useQuery } from "@apollo/client/react";
import { useState } from "react";
import { Link, Navigate, useParams, useSearchParams } from "react-router";
import { graphql } from "../generated/gql";
import type { ProductPageQuery, VariantFragment } from "../generated/graphql";
import { useCart } from "./cart";
import { CHANNEL, LOCALE } from "./client";
import { describeStock, formatTitle } from "./format";
import { Gallery } from "./Gallery";
import { useTitle } from "./Layout";
import { findVariant, Options } from "./Options";
import { Price } from "./Price";
import { getVariantPrice } from "./price";
import { Related } from "./Related";
import { ShopStock } from "./ShopStock";

const PRODUCT = graphql(`
  query ProductPage($handle: String!, $channelKey: String!, $locale: Locale) {
    product(by: { handle: $handle }) {
      id
      handle
      title
      content(locale: $locale, channelKey: $channelKey) { locale title descriptionHtml seo { title description } }
      category { id title ancestors { id title } }
      media { ...Medium }
      attributes { key label(locale: $locale) unit values { value label(locale: $locale) swatch { color } } }
      options { name label(locale: $locale) optionValues { name label(locale: $locale) swatch { color } } }
      variants(first: 100) { nodes { ...Variant } }
    }
  }
  fragment Variant on ProductVariant {
    id
    sku
    title
    image { ...Picture }
    selectedOptions { name value }
    ...VariantPrice
    stock(channelKey: $channelKey) { id status available }
  }
`);

export type ShownProduct = NonNullable<ProductPageQuery["product"]>;

export function ProductPage() {
  const { handle = "" } = useParams();
  const { data, error } = useQuery(PRODUCT, { variables: { handle, channelKey: CHANNEL, locale: LOCALE } });
  const product = data?.product;
  useTitle(product ? formatTitle(product.content?.seo.title ?? product.title) : undefined);
  if (!data && error) return <h1>This product cannot be loaded at the moment.</h1>;
  if (!data) return <div className="product skeleton" aria-busy="true" />;
  if (!product) return <h1>This product does not exist.</h1>;
  // The product has another handle by now: the old one still leads here.
  if (product.handle !== handle) return <Navigate replace to={`/products/${product.handle}`} />;
  return (
    <>
      <link rel="canonical" href={`/products/${product.handle}`} />
      <meta name="description" content={product.content?.seo.description ?? ""} />
      <ProductView key={product.id} product={product} />
    </>
  );
}

function ProductView({ product }: { product: ShownProduct }) {
  const [params] = useSearchParams();
  const variants = product.variants?.nodes ?? [];
  const variant = findVariant(variants, params) ?? variants[0];
  const title = formatTitle(product.content?.title ?? product.title);
  return (
    <article className="product">
      <Gallery media={product.media} picked={variant?.image ?? null} />
      <div className="product-text" lang={product.content?.locale}>
        <Breadcrumbs product={product} />
        <h1>{title}</h1>
        {variant && <Offer product={product} variant={variant} variants={variants} />}
        <div dangerouslySetInnerHTML={{ __html: product.content?.descriptionHtml ?? "" /* sanitized by the gateway */ }} />
        <Facts product={product} sku={variant?.sku ?? null} />
      </div>
      {variant && <ShopStock variantId={variant.id} />}
      <Related product={product} />
    </article>
  );
}

function Breadcrumbs({ product: { category } }: { product: ShownProduct }) {
  if (!category) return null;
  return (
    <nav aria-label="Breadcrumb" className="muted">
      <Link to="/">All products</Link>
      {[...(category.ancestors ?? []), category].map(({ id, title }) => (
        <span key={id}>
          {" / "}
          <Link to={`/?category=${encodeURIComponent(id)}`}>{title}</Link>
        </span>
      ))}
    </nav>
  );
}

interface OfferProps {
  product: ShownProduct;
  variant: VariantFragment;
  variants: readonly VariantFragment[];
}

function Offer({ product, variant, variants }: OfferProps) {
  const { add } = useCart();
  const [quantity, setQuantity] = useState(1);
  const price = getVariantPrice(variant);
  const status = variant.stock?.status;
  return (
    <>
      <div aria-live="polite">
        <Price shown={price} />
        <p className={`stock ${status}`}>Online: {describeStock(status)}</p>
      </div>
      <Options product={product} variants={variants} variant={variant} />
      <form className="buy" action={() => void add(variant.id, quantity)}>
        <label>
          Quantity{" "}
          <input
            type="number"
            min={1}
            max={variant.stock?.available || 99}
            value={quantity}
            onChange={(event) => setQuantity(Number(event.target.value))}
          />
        </label>
        <button className="main" disabled={!price || status === "OUT_OF_STOCK"}>
          {status === "OUT_OF_STOCK" ? "Sold out" : "Add to cart"}
        </button>
      </form>
    </>
  );
}

function Facts({ product, sku }: { product: ShownProduct; sku: string | null }) {
  const attributes = product.attributes ?? [];
  return (
    <dl className="facts">
      {attributes.map(({ key, label, unit, values }) => (
        <div key={key}>
          <dt>{label}</dt>
          <dd>{values.map((one) => [one.label, unit].filter(Boolean).join(" ")).join(", ")}</dd>
        </div>
      ))}
      {sku && (
        <div>
          <dt>Article</dt>
          <dd>{sku}</dd>
        </div>
      )}
    </dl>
  );
}
