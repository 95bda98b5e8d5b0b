import { formatMoney, type ShownPrice } from "./price";

export function Price({ shown }: { shown: ShownPrice | null }) {
  if (!shown) return <p className="price">Not sold online</p>;
  const { price, earlier, from, notes } = shown;
  return (
    <>
    <p className="price">
      {from && <span className="muted">from </span>}
      {earlier && <span className="visually-hidden">Now </span>}
      <span className={earlier ? "reduced" : undefined}>{formatMoney(price)}</span>
      {earlier && (
        <s className="muted">
          <span className="visually-hidden">, before </span>
          {formatMoney(earlier)}
        </s>
      )}
    </p>
    {notes.map((note) => (
      <p key={note} className="muted">{note}</p>
    ))}
    </>
  );
}
