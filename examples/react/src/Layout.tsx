import { useEffect, useRef } from "react";
import { Link, Outlet, useLocation, useNavigate, useNavigationType, useSearchParams } from "react-router";
import { useCart } from "./cart";
import { ShopPicker } from "./shops";

export function Layout() {
  const { count, message } = useCart();
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const navigation = useNavigationType();
  const shown = useRef(pathname);
  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    if (navigation === "POP") return; // "back" leads to where the customer was
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true }); // a screen reader begins with the new page
  }, [pathname, navigation]);
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="header">
        <Link className="brand" to="/">
          Mill &amp; Market
        </Link>
        <Search />
        <ShopPicker />
        <Link className="cart-link" to="/cart">
          Cart <span className="count">{count}</span>
          <span className="visually-hidden">{count === 1 ? " item" : " items"}</span>
        </Link>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Outlet />
      </main>
      <p className="message" role="status">
        {message}
      </p>
      <footer className="footer muted">
        An example for Commerce Gateway. Products of Online Retail (D. Chen, UCI Machine Learning Repository, CC BY 4.0).
      </footer>
    </>
  );
}

function Search() {
  const [params] = useSearchParams();
  const navigate = useNavigate();
  const search = (form: FormData) => {
    const text = String(form.get("q")).trim();
    void navigate(text ? `/?${new URLSearchParams({ q: text })}` : "/");
  };
  return (
    <search className="search">
      <form action={search}>
        <input
          key={params.get("q")}
          name="q"
          type="search"
          aria-label="Search products"
          placeholder="Search"
          defaultValue={params.get("q") ?? ""}
          maxLength={100}
        />
        <button className="quiet">Search</button>
      </form>
    </search>
  );
}

/** Sets the title of the page, which screen readers and the browser's history announce. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · Mill & Market` : "Mill & Market";
  }, [title]);
}
