"""Customers log in on the storefront of the demo, in a real browser: orders of all channels, points, consents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.examples.chromium import Page, needs_browser, open_browser
from tests.examples.conftest import Demo
from tests.examples.react_shop import AXE, REACT
from tests.examples.test_pages import require_packages
from tests.examples.test_storefront import list_requests, parse_questions

pytestmark = [pytest.mark.long, needs_browser]

TOKEN = "storefront login"
ATTEMPT = "storefront login attempt"
CONSENTS = """{ customers(first: 2, filter: { email: "ivy.jackson@example.com" }) { nodes {
  consents { purpose state source channel { key } } } } }"""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with open_browser(tmp_path / "browser") as page:
        yield page


def fill_cart(page: Page, demo: Demo) -> None:
    """Put a cake stand into the cart, and stay on its page."""
    page.open(f"{demo.storefront}products/regency-cakestand-3-tier")
    page.click("#add")
    page.wait(lambda: page.find("#count").text == "1")


def log_in(page: Page) -> None:
    """Log in with the link in the header, and come back."""
    page.click("#account", "Log in")
    page.click("button", "Ivy")
    page.find("#account", "Account")


def read_item(page: Page, name: str) -> str | None:
    item: str | None = page.run("return sessionStorage.getItem(arguments[0])", name)
    return item


def test_a_customer_sees_receipts_of_shops_beside_web_orders(demo: Demo, page: Page) -> None:
    fill_cart(page, demo)
    log_in(page)
    page.find("h1", "Regency cakestand 3 tier")
    assert urlsplit(page.driver.current_url).query == ""
    page.click("#account")
    page.find("h1", "Ivy Jackson")
    page.find(".purchase", "Tills of both shops, London, Marylebone")
    page.find(".purchase", "Web store")
    withdraw_consent(page, demo)
    spend_points(page)
    token = read_item(page, TOKEN)
    log_out(page)
    check_requests(page, token or "")


def withdraw_consent(page: Page, demo: Demo) -> None:
    """Grant a consent and withdraw it."""
    page.click("[name=MARKETING_EMAIL]")
    page.find("#message", "Saved")
    page.wait(lambda: page.find("[name=MARKETING_EMAIL]").is_selected())
    assert fetch_consents(demo) == {"MARKETING_EMAIL": ("GRANTED", "SHOPPER")}
    page.wait(lambda: page.find("[name=MARKETING_EMAIL]").is_enabled())
    page.click("[name=MARKETING_EMAIL]")
    page.find("#message", "Withdrawn")
    page.wait(lambda: not page.find("[name=MARKETING_EMAIL]").is_selected())
    assert fetch_consents(demo) == {"MARKETING_EMAIL": ("DENIED", "SHOPPER")}


def fetch_consents(demo: Demo) -> dict[str, tuple[str, str]]:
    """Fetch what staff see of the customer's consents: state and source by purpose."""
    staff = {"authorization": "Bearer demo-service"}
    body = httpx2.post(demo.gateway, json={"query": CONSENTS}, headers=staff).json()
    (customer,) = body["data"]["customers"]["nodes"]
    return {one["purpose"]: (one["state"], one["source"]) for one in customer["consents"]}


def spend_points(page: Page) -> None:
    """Redeem points in the cart, which became the customer's own with the login."""
    page.click("#basket")
    before = read_total(page)
    page.find("#redeem", "points, worth £")
    page.fill("points", "100")
    page.click("#redeem button")
    page.find("#redeemed", "£1.00")
    page.find("#total", f"£{before - 1}")


def read_total(page: Page) -> Decimal:
    """Read the total of the cart. It has what the customer had in an open cart, too."""
    found = re.search(r"£([0-9]+\.[0-9]{2})", page.find("#total", "£").text)
    assert found is not None
    return Decimal(found[1])


def log_out(page: Page) -> None:
    """Log out: nothing of the customer stays in the browser."""
    page.click("#account", "Account")
    page.click("#log-out")
    page.find("#account", "Log in")
    page.find("h1", "All products")
    assert page.find("#count").text == "0"
    assert page.run("return sessionStorage.length") == 0
    page.click("#basket")
    page.find("main", "Your cart is empty")


def check_requests(page: Page, token: str) -> None:
    """Check that no URL has the token, that the flow has its parameters, and which documents had the token."""
    requests = [one for one in list_requests(page) if not one["url"].startswith("data:")]
    assert token.count(".") == 2 and not any(token in one["url"] for one in requests)
    (opened,) = [one for one in requests if "/login/authorize" in one["url"] and "login_as" not in one["url"]]
    given = {name: values[0] for name, values in parse_qs(urlsplit(opened["url"]).query).items()}
    assert (given["response_type"], given["code_challenge_method"]) == ("code", "S256")
    assert all(len(given[name]) == 43 for name in ("state", "nonce", "code_challenge"))
    asked = [one for one in requests if "/graphql" in one["url"]]
    names = [name for _, name, _ in parse_questions(asked)]
    sent = {name for name, one in zip(names, asked, strict=True) if "authorization" in list_headers(one)}
    assert {"Me", "ConsentSet", "CartCustomerSet", "CartPoints", "CartLoyaltySet", "Cart"} <= sent
    assert sent.isdisjoint({"ProductPage", "ProductList", "Stores", "Collections"})


def list_headers(request: dict[str, Any]) -> set[str]:
    return {name.lower() for name in request["headers"]}


def test_an_invalid_token_asks_for_a_login_and_the_cart_stays(demo: Demo, page: Page) -> None:
    fill_cart(page, demo)
    log_in(page)
    page.find("h1", "Regency")
    page.run("sessionStorage.setItem(arguments[0], 'a.b.c')", TOKEN)
    page.click("#basket")
    page.find("#message", "Your login has expired. Please log in again.")
    page.find(".line", "Regency cakestand")
    assert read_item(page, TOKEN) is None
    log_in(page)
    page.find(".line", "Regency cakestand")
    assert page.driver.current_url == f"{demo.storefront}cart"


def test_a_redirect_that_answers_no_login_page_is_refused(demo: Demo, page: Page) -> None:
    page.open(f"{demo.storefront}login?code=stolen&state=guessed")
    page.find("main", "This login was not started in this window.")
    assert page.find("#account").text == "Log in"
    assert "code" not in page.driver.current_url
    assert not [one for one in list_requests(page) if urlsplit(one["url"]).path == "/login/token"]


def test_a_token_with_another_nonce_is_not_accepted(demo: Demo, page: Page) -> None:
    page.open(demo.storefront)
    page.click("#account", "Log in")
    page.find("button", "Ivy")
    attempt = json.loads(read_item(page, ATTEMPT) or "")
    page.run("sessionStorage.setItem(...arguments)", ATTEMPT, json.dumps({**attempt, "nonce": "another"}))
    page.click("button", "Ivy")
    page.find("main", "The token is of another login.")
    assert read_item(page, TOKEN) is None
    page.click("main button", "Log in")
    page.click("button", "Ivy")
    page.find("h1", "Ivy Jackson")


def test_a_person_who_is_no_customer_has_an_empty_account(demo: Demo, page: Page) -> None:
    page.open(f"{demo.storefront}account")
    page.click("main button", "Log in")
    page.click("button", "Noah")
    page.find("h1", "Noah Weiss")
    page.find("main", "There are no orders yet.")


@require_packages(REACT)
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
def test_the_account_has_no_barriers(demo: Demo, page: Page, width: int, scheme: str) -> None:
    page.resize(width)
    page.set_scheme(scheme)
    page.open(f"{demo.storefront}account")
    page.find("main", "Log in to see your orders")
    assert page.find_barriers(AXE) == []
    log_in(page)
    page.find(".purchase", "Web store")
    assert page.find_barriers(AXE) == []
    assert page.run("return document.documentElement.scrollWidth") <= width
