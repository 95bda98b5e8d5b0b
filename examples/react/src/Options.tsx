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
  return choices.map(({ name, label, optionValues }) => (
    <fieldset key={name} className="options">
      <legend>
        {label}: <strong>{optionValues.find((one) => one.name === selected.get(name))?.label}</strong>
      </legend>
      {optionValues.map((value) => (
        <label key={value.name} className="option">
          <input
            type="radio"
            name={name}
            checked={selected.get(name) === value.name}
            onChange={() => choose(name, value.name)}
          />
          {value.swatch?.color && <span className="dot" style={{ background: value.swatch.color }} aria-hidden="true" />}
          {value.label}
          {isSoldOut(variants, selected, name, value.name) && <span className="muted"> (sold out)</span>}
        </label>
      ))}
    </fieldset>
  ));
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
