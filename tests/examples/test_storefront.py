"""The storefront of the demo in a real browser: from the product list to a pickup code, as well on a bad network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from examples.storefront.manifest import compute_ids, load_documents
from tests.examples.chromium import Page, needs_browser, open_browser
from tests.examples.conftest import Demo
from tests.examples.react_shop import AXE, REACT
from tests.examples.test_pages import require_packages

pytestmark = pytest.mark.long

MANCHESTER = {"latitude": 53.4794, "longitude": -2.2453, "accuracy": 10}
BAD_DAY = """
const real = window.fetch;
let busy = true, broken = true;
window.fetch = async (address, options) => {
  const body = { errors: [{ message: "Too much.", extensions: { code: "OVERLOADED" } }] };
  if (busy) return (busy = false), new Response(JSON.stringify(body), { status: 503, headers: { "retry-after": "0" } });
  const response = await real(address, options);
  if (!broken || !options?.body?.includes("expectedTotal")) return response;
  broken = false;
  throw new TypeError("lost");
};
"""
"""The gateway is overloaded at first, and later the response to an order is lost."""
CUT_ORDERS = """
const real = window.fetch;
window.fetch = (address, options) =>
  options?.body?.includes("expectedTotal") ? Promise.reject(new TypeError("cut")) : real(address, options);
window.restore = () => (window.fetch = real);
"""
"""Orders do not reach the gateway."""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with open_browser(tmp_path / "browser") as page:
        yield page


def open_storefront(page: Page, demo: Demo) -> None:
    """Open the storefront for a customer in Manchester."""
    origin = demo.storefront.split("/storefront")[0]
    page.execute("Browser.grantPermissions", origin=origin, permissions=["geolocation"])
    page.execute("Emulation.setGeolocationOverride", **MANCHESTER)
    page.open(demo.storefront)
    page.find("h1", "All products")


def fill_contact(page: Page) -> None:
    page.fill("name", "Ivy Jackson")
    page.fill("email", "ivy@example.com")


@needs_browser
def test_a_shopper_finds_a_product_and_orders_it_for_pickup(demo: Demo, page: Page) -> None:
    open_storefront(page, demo)
    check_list(page)
    check_product_page(page)
    submit_order(page)
    cancel_order(page)
    check_requests(page, demo.storefront)


def check_list(page: Page) -> None:
    """Check filters, sorting and search, which are in the URL."""
    page.click("#shop")
    page.click("#locate")
    page.find("#shops li", "0.3 km")
    page.click("#shops li button", "Manchester")
    page.find(".card .stock", "Manchester, King Street")
    page.click(".choice", "Red")
    page.wait(lambda: "color=Red" in page.driver.current_url and len(page.find_all(".card")) < 10)
    page.click(".filters button", "Clear all filters")
    Select(page.find("[name=sort]")).select_by_visible_text("Price, highest first")
    page.wait(lambda: "sort=dear" in page.driver.current_url)
    page.driver.back()
    page.wait(lambda: "sort" not in page.driver.current_url)
    page.click("#collections a", "Reduced")
    page.find("h1", "Reduced")
    page.find(".card .reduced")
    page.run(BAD_DAY)
    page.fill("text", "22423")
    page.send_keys(Keys.ENTER)
    page.find(".count-text", "1 product")


def check_product_page(page: Page) -> None:
    """Check the pictures, the price, and what the shops have."""
    page.click(".card-link", "Regency cakestand")
    page.find("h1", "Regency cakestand 3 tier")
    assert page.driver.title == "Regency cakestand 3 tier · Mill & Market"
    assert page.driver.current_url.endswith("/storefront/products/regency-cakestand-3-tier")
    assert "£14.98" in page.find(".product-text .price").text
    assert "before tax" not in page.find("body").text
    page.click(".thumbnails button:nth-child(2)")
    page.wait(lambda: page.find('[aria-current="true"]').get_attribute("aria-label") == "Picture 2 of 3")
    page.find(".description", "cm wide")
    page.find(".stores li", "London")
    found = [re.split(r" km\n", text)[0] for text in page.list_texts(".stores li")]
    assert found == ["Manchester, King Street 0.3", "London, Marylebone 260"]


def submit_order(page: Page) -> None:
    """Order two units for pickup in the nearest shop, while the response is lost."""
    page.click("#add")
    page.wait(lambda: page.find("#count").text == "1")
    page.click("#add")
    page.wait(lambda: page.find("#count").text == "2")
    page.click("#basket")
    page.find("#total", "£29.96")
    page.click(".choice", "Pickup in Manchester, King Street")
    fill_contact(page)
    page.click("#order")
    page.find("#message", "did not respond")
    page.click("#order")
    assert re.fullmatch(r"\d{6}", page.find(".code").text)
    page.find(".part", "4 King Street, M2 6AQ, Manchester")
    page.find("#payment", "To pay: £29.96, by")
    assert "token" not in page.driver.current_url and page.find("#count").text == "0"


def cancel_order(page: Page) -> None:
    """Cancel the order that is not paid yet."""
    page.click("#cancel")
    page.find("#payment", "Canceled")


def check_requests(page: Page, address: str) -> None:
    """Check that every request used a published document id and no text, and that no other origin was contacted."""
    requests = [one for one in list_requests(page) if not one["url"].startswith("data:")]
    assert {urlsplit(one["url"]).netloc for one in requests} == {urlsplit(address).netloc}
    found = parse_questions(requests)
    public = {
        "CollectionPage",
        "Collections",
        "Stores",
        "ProductList",
        "ProductPage",
        "RelatedProducts",
        "StoreAvailability",
    }
    assert {name for method, name, _ in found if method == "GET"} == public
    private = {"CartCreate", "Cart", "CartOrder", "FulfillmentOptions", "OrderPreview", "OrderPlace", "Order"}
    assert {name for method, name, _ in found if method == "POST"} == {*private, "OrderCancel"}
    keys = [variables["input"]["idempotencyKey"] for _, name, variables in found if name == "CartCreate"]
    assert len(keys) == len(set(keys)) == 2, "two taps are two intents"
    assert len([name for _, name, _ in found if name == "OrderPlace"]) == 1, "what was placed is found, not sent again"


@needs_browser
def test_a_choice_that_changed_never_sends_the_former_order(demo: Demo, page: Page) -> None:
    open_storefront(page, demo)
    page.open(f"{demo.storefront}products/regency-cakestand-3-tier")
    page.click("#add")
    page.wait(lambda: page.find("#count").text == "1")
    page.click("#basket")
    page.click(".choice", "Pickup in Manchester")
    fill_contact(page)
    page.run(CUT_ORDERS)
    page.click("#order")
    page.find("#message", "did not respond")
    page.run("window.restore()")
    page.click(".choice", "Delivery")
    for name, value in (("line1", "3 Mill Road"), ("postalCode", "LS2 7EW"), ("city", "Leeds")):
        page.fill(name, value)
    page.wait(lambda: page.find("#order").text == "Order and pay")
    page.click("#order")
    page.find(".part[aria-label=Delivery]")
    cancel_order(page)
    placed = [variables["input"] for _, name, variables in parse_questions(list_requests(page)) if name == "OrderPlace"]
    assert [one["shippingAddress"]["city"] for one in placed] == ["Leeds"]


@needs_browser
def test_what_was_added_without_a_connection_is_in_the_cart_once_it_is_back(demo: Demo, page: Page) -> None:
    open_storefront(page, demo)
    page.open(f"{demo.storefront}products/regency-cakestand-3-tier")
    page.find("#add")
    page.set_offline(True)
    page.click("#add")
    page.click("#add")
    page.find("#message", "offline")
    assert page.find("#count").text == "2"
    page.set_offline(False)
    page.find("#message", "Added")
    page.click("#basket")
    page.wait(lambda: page.find(".line input").get_attribute("value") == "2")


@needs_browser
@require_packages(REACT)
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (1440, "light"), (1440, "dark")])
def test_no_page_of_the_storefront_has_barriers(demo: Demo, page: Page, width: int, scheme: str) -> None:
    page.resize(width)
    page.set_scheme(scheme)
    open_storefront(page, demo)
    assert page.find_barriers(AXE) == []
    page.open(f"{demo.storefront}products/regency-cakestand-3-tier")
    page.find(".stores li")
    assert page.find_barriers(AXE) == []
    page.click("#add")
    page.wait(lambda: page.find("#count").text == "1")
    page.open(f"{demo.storefront}cart")
    page.find("#total", "£")
    assert page.find_barriers(AXE) == []
    assert page.run("return document.documentElement.scrollWidth") <= width


@needs_browser
def test_the_storefront_works_by_keyboard(demo: Demo, page: Page) -> None:
    page.open(demo.storefront)
    page.find(".card-link")
    page.send_keys(Keys.TAB)
    assert page.run("return document.activeElement.textContent") == "Skip to content"
    page.move_focus("[name=text]")
    page.send_keys("22423", Keys.ENTER)
    page.find(".count-text", "1 product")
    page.move_focus(".card-link")
    page.send_keys(Keys.ENTER)
    page.find("h1", "Regency")
    assert page.run("return document.activeElement.id") == "view"
    page.move_focus("#add")
    page.send_keys(Keys.ENTER)
    page.wait(lambda: page.find("#count").text == "1")


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_moves_while_the_storefront_loads(demo: Demo, page: Page, width: int) -> None:
    page.resize(width)
    page.observe_loading()
    for path, shown in (("", ".card-link"), ("products/regency-cakestand-3-tier", ".stores li")):
        page.open(demo.storefront + path)
        page.find(shown)
        page.wait(
            lambda: page.run("return [...document.images].every((one) => one.loading === 'lazy' || one.complete)")
        )
        paint, shift = page.get_measured()
        print(f"/{path} at {width} px: largest contentful paint after {paint:.2f} s, layout shift {shift:.3f}")
        assert shift < 0.01


def parse_questions(requests: list[dict[str, Any]]) -> list[tuple[str, str, Any]]:
    """Parse the GraphQL requests: method, document, variables."""
    names = {given: name for name, given in compute_ids(load_documents()).items()}
    given = [(one["method"], parse_question(one)) for one in requests if "/graphql" in one["url"]]
    assert all(one.keys() == {"documentId", "variables"} for _, one in given)
    return [(method, names[one["documentId"]], read_variables(one["variables"])) for method, one in given]


def read_variables(given: Any) -> Any:
    return json.loads(given) if isinstance(given, str) else given


@pytest.mark.parametrize("body", [{"query": "{ viewer { kind } }"}, {"documentId": "sha256:0", "variables": {}}])
def test_a_question_that_was_not_pushed_is_seen(body: dict[str, Any]) -> None:
    request = {"method": "POST", "url": "http://x/graphql", "postData": json.dumps(body)}
    with pytest.raises((AssertionError, KeyError)):
        parse_questions([request])


def test_public_responses_are_cached_and_the_page_connects_to_no_other_origin(demo: Demo) -> None:
    given = {"documentId": compute_ids(load_documents())["Stores"], "variables": "{}"}
    with httpx2.Client(base_url=demo.storefront) as client:
        first = client.get("graphql", params=given)
        again = client.get("graphql", params=given, headers={"if-none-match": first.headers["etag"]})
        policy = client.get("").headers["content-security-policy"]
    assert (first.status_code, again.status_code) == (200, 304)
    assert first.headers["cache-control"].startswith("public, max-age=")
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy


def list_requests(page: Page) -> list[dict[str, Any]]:
    """List the requests of the page since the last call, without those of the browser itself."""
    entries = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]  # type: ignore[attr-defined]
    asked = [entry["params"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]
    return [one["request"] for one in asked if one["documentURL"].startswith("http")]


def parse_question(request: dict[str, Any]) -> dict[str, Any]:
    if request["method"] == "POST":
        posted: dict[str, Any] = json.loads(request["postData"])
        return posted
    return {name: values[0] for name, values in parse_qs(urlsplit(request["url"]).query).items()}
