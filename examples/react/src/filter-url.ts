// The filters of the list are in its URL, so that it can be shared, and "back" leads to the same list.
import type { ProductFilter } from "../generated/graphql";

export const FACETS = ["category", "color", "material"];
export const WIDTH = "width";

/** Reads a range such as `5-20`, where either side may be missing. */
export function parseRange(text: string | null): { min: `${number}` | null; max: `${number}` | null } {
  const [min, max] = (text ?? "").split("-");
  return { min: parseNumber(min), max: parseNumber(max) };
}

function parseNumber(text: string | undefined): `${number}` | null {
  return text && /^\d+(\.\d+)?$/.test(text) ? (text as `${number}`) : null;
}

export function buildFilter(params: URLSearchParams): ProductFilter {
  const filter: ProductFilter = {};
  const facets = FACETS.filter((key) => params.has(key)).map((key) => ({ key, values: params.getAll(key) }));
  if (facets.length > 0) filter.facets = facets;
  const price = parseRange(params.get("price"));
  if (price.min || price.max) filter.price = { ...price, currencyCode: "GBP" };
  const width = parseRange(params.get(WIDTH));
  if (width.min || width.max) filter.attributeRanges = [{ key: WIDTH, ...width }];
  if (params.has("available")) filter.availableForSale = true;
  if (params.has("sale")) filter.onSale = true;
  return filter;
}

/** Adds or removes one value, without changing the others. */
export function toggle(params: URLSearchParams, key: string, value: string): URLSearchParams {
  const next = new URLSearchParams(params);
  if (next.has(key, value)) next.delete(key, value);
  else next.append(key, value);
  return next;
}

export function setRange(params: URLSearchParams, key: string, form: FormData): URLSearchParams {
  const next = new URLSearchParams(params);
  const range = `${String(form.get("min"))}-${String(form.get("max"))}`;
  if (range === "-") next.delete(key);
  else next.set(key, range);
  return next;
}

export function countFilters(params: URLSearchParams): number {
  return [...params.keys()].filter((key) => key !== "q" && key !== "sort").length;
}
