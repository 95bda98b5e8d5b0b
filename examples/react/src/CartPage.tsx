import { useEffect } from "react";
import { Link, useNavigate } from "react-router";
import type { CartContentsFragment } from "../generated/graphql";
import { useCart } from "./cart";
import { Checkout } from "./Checkout";
import { describeStock, formatTitle } from "./format";
import { useTitle } from "./Layout";
import { storeOrder } from "./orders";
import { Picture } from "./Picture";
import { formatMoney } from "./price";

export function CartPage() {
  const { cart, loading, ordered, forget } = useCart();
  const navigate = useNavigate();
  useTitle("Cart");
  useEffect(() => {
    if (!ordered) return;
    storeOrder(ordered);
    forget();
    void navigate("/order", { replace: true });
  }, [ordered]);
  if (loading || ordered) return <h1 aria-busy="true">Cart</h1>;
  if (!cart || cart.lines.length === 0)
    return (
      <>
        <h1>Cart</h1>
        <p>Your cart is empty.</p>
        <Link to="/">See all products</Link>
      </>
    );
  return (
    <>
      <h1>Cart</h1>
      <div className="cart">
        <ul className="plain lines">
          {cart.lines.map((line) => (
            <Line key={line.id} line={line} />
          ))}
        </ul>
        <Checkout cart={cart} />
      </div>
    </>
  );
}

function Line({ line }: { line: CartContentsFragment["lines"][number] }) {
  const { change } = useCart();
  const product = line.variant?.product;
  const title = formatTitle(product?.title ?? line.title);
  return (
    <li className="line">
      <Picture image={line.image} sizes="6rem" alt="" />
      <div className="line-text">
        {product ? <Link to={`/products/${product.handle}`}>{title}</Link> : title}
        <p className="muted">{line.variant?.selectedOptions.map(({ name, value }) => `${name}: ${value}`).join(", ")}</p>
        {line.stockStatus !== "IN_STOCK" && <p className={`stock ${line.stockStatus}`}>{describeStock(line.stockStatus)}</p>}
        <p className="line-quantity">
          <label>
            <span className="visually-hidden">Quantity of {title}</span>
            <input
              type="number"
              key={line.quantity}
              min={1}
              max={line.maxQuantity ?? 999}
              defaultValue={line.quantity}
              onChange={(event) => event.target.validity.valid && void change(line.id, Number(event.target.value))}
            />
          </label>
          <button type="button" className="quiet" onClick={() => void change(line.id, 0)}>
            Remove<span className="visually-hidden"> {title}</span>
          </button>
        </p>
      </div>
      <div className="line-price">
        {line.total && <strong>{formatMoney(line.total)}</strong>}
        {line.unitPrice && line.quantity > 1 && <p className="muted">{formatMoney(line.unitPrice)} each</p>}
      </div>
    </li>
  );
}
