// The variants of a product, chosen by their options. A choice is in the URL, so that a variant can be shared.
import { useSearchParams } from "react-router";
import type { VariantFragment } from "../generated/graphql";
import type { ShownProduct } from "./ProductPage";

interface Props {
  product: ShownProduct;
  variants: readonly VariantFragment[];
  variant: VariantFragment;
}

export function findVariant(variants: readonly VariantFragment[], params: URLSearchParams): VariantFragment | undefined {
  return (
    variants.find(({ selectedOptions }) => selectedOptions.every(({ name, value }) => params.get(name) === value)) ??
    variants.find(({ stock }) => stock?.status !== "OUT_OF_STOCK")
  );
}

export function Options({ product, variants, variant }: Props) {
  const [params, setParams] = useSearchParams();
  const selected = new Map(variant.selectedOptions.map(({ name, value }) => [name, value]));
  const choose = (name: string, value: string) => {
    const next = new URLSearchParams(params);
    for (const [option, current] of selected) next.set(option, current);
    next.set(name, value);
    setParams(next, { replace: true, preventScrollReset: true });
  };
  const choices = product.options.filter(({ optionValues }) => optionValues.length > 1); // one value is no choice
  return choices.map(({ name, optionValues }) => (
    <fieldset key={name} className="options">
      <legend>
        {name}: <strong>{selected.get(name)}</strong>
      </legend>
      {optionValues.map((value) => (
        <label key={value.name} className="option">
          <input
            type="radio"
            name={name}
            checked={selected.get(name) === value.name}
            onChange={() => choose(name, value.name)}
          />
          <Swatch product={product} value={value.name} />
          {value.name}
          {isSoldOut(variants, selected, name, value.name) && <span className="muted"> (sold out)</span>}
        </label>
      ))}
    </fieldset>
  ));
}

/** The color of an option value: that of the attribute value which it names, such as "Pink" in "Pink Polkadot". */
function Swatch({ product, value }: { product: ShownProduct; value: string }) {
  const values = (product.attributes ?? []).flatMap((attribute) => attribute.values);
  const color = values.find((one) => one.swatch?.color && value.includes(one.value))?.swatch?.color;
  return color ? <span className="dot" style={{ background: color }} aria-hidden="true" /> : null;
}

function isSoldOut(
  variants: readonly VariantFragment[],
  selected: ReadonlyMap<string, string>,
  name: string,
  value: string,
): boolean {
  const wanted = new Map(selected).set(name, value);
  const found = variants.find(({ selectedOptions }) => selectedOptions.every((one) => wanted.get(one.name) === one.value));
  return !found || found.stock?.status === "OUT_OF_STOCK";
}
