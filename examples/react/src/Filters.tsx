import { useSearchParams } from "react-router";
import { graphql } from "../generated/gql";
import type { FilterGroupFragment } from "../generated/graphql";
import { countFilters, parseRange, setRange, toggle, WIDTH } from "./filter-url";
import { formatMoney } from "./price";

graphql(`
  fragment FilterGroup on Facet {
    key
    title(locale: $locale)
    values { value title(locale: $locale) count selected swatch { color } }
    priceRange { min { ...Money } max { ...Money } }
  }
`);

export function FilterPanel({ groups }: { groups: readonly FilterGroupFragment[] }) {
  const [params, setParams] = useSearchParams();
  const count = countFilters(params);
  const clear = () => setParams(new URLSearchParams(params.has("q") ? { q: params.get("q")! } : {}));
  const price = groups.find(({ key }) => key === "price")?.priceRange;
  return (
    <details className="filters" open={window.innerWidth >= 900 || undefined}>
      <summary>Filters{count > 0 && ` (${count})`}</summary>
      <div className="filter-groups">
        {count > 0 && (
          <button type="button" className="quiet" onClick={clear}>
            Clear all filters
          </button>
        )}
        <Switch label="Available now" name="available" />
        <Switch label="On sale" name="sale" />
        <Range label="Price, £" name="price" hint={price ? `${formatMoney(price.min)} to ${formatMoney(price.max)}` : ""} />
        <Range label="Width, cm" name={WIDTH} hint="" />
        {groups.filter(({ values }) => values.length > 0).map((group) => (
          <Choices key={group.key} group={group} />
        ))}
      </div>
    </details>
  );
}

function Switch({ label, name }: { label: string; name: string }) {
  const [params, setParams] = useSearchParams();
  return (
    <label className="choice">
      <input type="checkbox" checked={params.has(name)} onChange={() => setParams(toggle(params, name, "1"))} />
      {label}
    </label>
  );
}

function Choices({ group }: { group: FilterGroupFragment }) {
  const [params, setParams] = useSearchParams();
  return (
    <fieldset>
      <legend>{group.title}</legend>
      {group.values.slice(0, 12).map(({ value, title, count, swatch }) => (
        <label key={value} className="choice">
          <input
            type="checkbox"
            checked={params.has(group.key, value)}
            onChange={() => setParams(toggle(params, group.key, value))}
          />
          {swatch?.color && <span className="dot" style={{ background: swatch.color }} aria-hidden="true" />}
          {title} <span className="muted">{count}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Range({ label, name, hint }: { label: string; name: string; hint: string }) {
  const [params, setParams] = useSearchParams();
  const { min, max } = parseRange(params.get(name));
  return (
    <fieldset>
      <legend>{label}</legend>
      <form key={params.get(name)} className="range" action={(form) => setParams(setRange(params, name, form))}>
        <input name="min" inputMode="decimal" pattern="\d+(\.\d+)?" aria-label={`${label}, from`} defaultValue={min ?? ""} />
        <span aria-hidden="true">to</span>
        <input name="max" inputMode="decimal" pattern="\d+(\.\d+)?" aria-label={`${label}, to`} defaultValue={max ?? ""} />
        <button className="quiet">Set</button>
      </form>
      {hint && <p className="muted">{hint}</p>}
    </fieldset>
  );
}
