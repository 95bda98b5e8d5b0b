"""The React example in a browser: from the list to an order, with lost connections, by keyboard, and how it looks.

`SCREENSHOTS=write` stores the screenshots and layout boxes that the tests compare with.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from examples.demo.generated import compute_number
from tests.examples.chromium import Page, needs_browser, open_browser
from tests.examples.conftest import SOME, run_demo
from tests.examples.react_shop import AXE, GROUPS, REACT, ReactShop, serve_react
from tests.examples.test_pages import require_packages

pytestmark = [pytest.mark.long, needs_browser, require_packages(REACT)]

STORED = Path(__file__).with_name("screenshots")
WIDTHS = (390, 1280)
MAX_DIFFERENCE = 0.01
BOXES = {
    "list": {
        "search": ".search",
        "filters": ".filters",
        "card": ".card",
        "second": ".card:nth-child(2)",
        "sort": "select",
    },
    "product": {
        "gallery": ".gallery",
        "title": "h1",
        "options": ".options",
        "buy": ".buy .main",
        "shop": ".shop-stock",
    },
    "cart": {
        "lines": ".lines",
        "line": ".line",
        "checkout": ".checkout",
        "total": ".total",
        "order": ".checkout .main",
    },
}
LOSE_ONE = """
const real = window.fetch, lost = arguments[0];
let count = arguments[1];
window.fetch = async (address, options) => {
  const response = await real(address, options);
  if (count > 0 && String(options?.body).includes(lost)) { count -= 1; throw new TypeError("lost"); }
  return response;
};
"""
"""Loses some responses of an operation, after the gateway has executed it."""
HIDE_TIMES = "document.querySelectorAll('time').forEach((time) => (time.textContent = 'Tue 10:00'))"


def choose_codes() -> set[str]:
    """Choose products for more than one page of the list."""
    some = {str(code) for code in range(20000, 23000) if compute_number("chosen", str(code)) % 25 == 0}
    return {*SOME, *GROUPS, *some}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReactShop]:
    folder = tmp_path_factory.mktemp("react")
    with run_demo(folder, choose_codes()) as demo, serve_react(demo, folder) as served:
        yield served


@pytest.fixture
def page(shop: ReactShop, tmp_path: Path) -> Iterator[Page]:
    with open_browser(tmp_path / "browser") as page:
        yield page


def read_count(page: Page) -> int:
    """Return the number of units in the cart, as the header shows it."""
    return int(page.find(".count").text)


def test_the_list_is_filtered_sorted_and_searched_by_its_address(shop: ReactShop, page: Page) -> None:
    page.open(shop.address)
    page.find("h1", "All products")
    assert page.driver.title == "All products · Mill & Market"
    whole = page.wait(lambda: int(page.find(".list-bar .muted", "products").text.split()[0]))
    page.click(".choice", "Red")
    fewer = page.wait(
        lambda: (count := int(page.find(".list-bar .muted", "product").text.split()[0])) < whole and count
    )
    assert "color=Red" in page.driver.current_url
    page.fill("max", "5")
    page.send_keys(Keys.ENTER)
    page.wait(lambda: int(page.find(".list-bar .muted", "product").text.split()[0]) < fewer)
    prices = [float(text.split("£")[1].split()[0]) for text in page.list_texts(".card .price")]
    assert prices and max(prices) <= 5
    Select(page.find(".list-bar select")).select_by_visible_text("Price, highest first")
    page.wait(lambda: page.list_texts(".card .price") and "sort=dear" in page.driver.current_url)
    shared = page.driver.current_url
    page.find('.results[aria-busy="false"]')
    names = page.wait(lambda: [one for one in page.list_texts(".card-link") if one])
    page.driver.get(shared)
    page.wait(lambda: page.list_texts(".card-link") == names)
    page.click(".filters button", "Clear all filters")
    page.wait(lambda: "color" not in page.driver.current_url)
    page.click(".choice", "On sale")
    page.wait(lambda: len(page.find_all(".card-link")) > 0 and len(page.find_all(".card .reduced")) > 0)
    page.wait(lambda: int(page.find(".list-bar .muted", "product").text.split()[0]) < whole)
    page.click(".filters button", "Clear all filters")
    page.fill("q", "22423")
    page.send_keys(Keys.ENTER)
    page.find("h1", "Results for “22423”")
    page.wait(lambda: page.list_texts(".card-link") == ["Regency cakestand 3 tier"])
    page.driver.back()
    page.find("h1", "All products")


def test_the_list_grows_at_its_end_and_ranges_of_numbers_apply(shop: ReactShop, page: Page) -> None:
    page.open(shop.address)
    page.wait(lambda: len(page.find_all(".card-link")) == 24)
    page.run("window.scrollTo(0, document.body.scrollHeight)")
    page.wait(lambda: len(page.find_all(".card-link")) > 24)
    hrefs = [str(one.get_attribute("href")) for one in page.find_all(".card-link")]
    assert len(set(hrefs)) == len(hrefs), "no product is shown twice"
    page.click(f".card:nth-child({len(hrefs)}) .card-link")
    page.find(".product h1")
    assert page.run("return window.scrollY") == 0
    page.driver.back()
    page.wait(lambda: len(page.find_all(".card-link")) >= len(hrefs) and page.run("return window.scrollY") > 900)
    page.open(f"{shop.address}/?width=10-20")
    page.wait(lambda: page.find_all(".card-link"))
    page.click(".card-link")
    width = page.find(".facts div", "Width").text
    assert 10 <= int(re.findall(r"\d+", width)[0]) <= 20


def test_a_variant_is_chosen_by_its_swatch_and_shared_by_its_address(shop: ReactShop, page: Page) -> None:
    page.open(f"{shop.address}/products/3-piece-cutlery-set")
    page.find("h1", "3 piece cutlery set")
    first = page.find(".gallery .picture").get_attribute("src")
    assert len(page.find_all(".option .dot")) == 4, "every color has its swatch"
    page.click(".option", "Blue Polkadot")
    page.wait(lambda: page.find(".facts div", "Article").text.endswith("84997C"))
    page.wait(lambda: page.find(".gallery .picture").get_attribute("src") != first)
    page.driver.refresh()
    page.wait(lambda: page.find(".facts div", "Article").text.endswith("84997C"))
    page.click(".thumbnails li:nth-child(2) button")
    assert (
        page.find(".thumbnails [aria-current=true]").get_attribute(
            "aria-label",
        )
        == "Picture 2 of 12"
    )
    assert page.find(".shop-stock .shop").text.startswith("London, Marylebone")
    page.click(".shop-button")
    page.click("dialog button", "Manchester")
    page.wait(lambda: page.list_texts(".shop-stock .shop")[0].startswith("Manchester, King Street"))
    assert re.search(r"Open|Opens", page.list_texts(".shop-stock .shop")[0])
    canonical = page.find_all("link[rel=canonical]")
    assert [str(one.get_attribute("href")) for one in canonical] == [f"{shop.address}/products/3-piece-cutlery-set"]
    page.driver.refresh()
    page.find(".shop-button", "Manchester")


def test_what_was_added_without_a_connection_is_in_the_cart_once_it_is_back(shop: ReactShop, page: Page) -> None:
    page.open(f"{shop.address}/products/dragonfly-helicopter")
    page.find("h1", "Dragonfly helicopter")
    page.click(".brand")
    page.wait(lambda: page.find_all(".card-link"))
    page.open(f"{shop.address}/?q=cutlery")
    page.click(".card-link", "3 piece")
    page.find("h1", "3 piece cutlery set")
    page.set_offline(True)
    page.click(".buy .main")
    page.click(".option", "Pink Polkadot")
    page.click(".buy .main")
    page.find(".message", "offline")
    page.wait(lambda: read_count(page) == 2)
    page.set_offline(False)
    page.find(".message", "Added to your cart")
    page.click(".cart-link")
    page.wait(lambda: len(page.find_all(".line")) == 2)
    lines = page.list_texts(".line")
    assert any("Pink Polkadot" in line for line in lines) and any("Green Polkadot" in line for line in lines)


def test_a_tap_whose_response_was_lost_counts_once_and_a_second_tap_counts_again(shop: ReactShop, page: Page) -> None:
    page.open(f"{shop.address}/products/regency-cakestand-3-tier")
    page.find("h1", "Regency cakestand")
    page.run(LOSE_ONE, "AddToCart", 1)
    page.click(".buy .main")
    page.wait(lambda: read_count(page) == 1 and page.find(".message", "Added"))
    page.click(".buy .main")
    page.wait(lambda: read_count(page) == 2)
    page.click(".cart-link")
    assert page.find(".line input").get_attribute("value") == "2"


def fill_cart(page: Page, shop: ReactShop, handle: str) -> None:
    """Put a product into the cart, and open the cart."""
    page.open(f"{shop.address}/products/{handle}")
    page.click(".buy .main")
    page.wait(lambda: read_count(page) == 1 and page.find(".message", "Added"))
    page.click(".cart-link")
    page.find(".checkout .choice")


def test_an_order_for_pickup_is_tracked_until_it_is_ready(shop: ReactShop, page: Page) -> None:
    fill_cart(page, shop, "regency-cakestand-3-tier")
    page.click(".checkout .choice", "Pickup in Manchester")
    page.fill("name", "Ivy Jackson")
    page.fill("email", "ivy@example.com")
    page.click(".checkout .main", "Order, pay in the shop")
    assert re.fullmatch(r"\d{6}", page.find(".code").text)
    assert page.find("h1").text == page.driver.title.split(" · ")[0]
    page.find(".payment", "To pay: £14.98")
    assert read_count(page) == 0
    mark_ready(shop, page.find("h1").text.removeprefix("Order "))
    page.find(".part", "Ready to collect")
    assert "token" not in page.driver.current_url.lower()
    check_requests(page, shop)


def mark_ready(shop: ReactShop, number: str) -> None:
    """Mark the pickup as ready, as the staff do."""
    with httpx2.Client(headers={"authorization": "Bearer demo-shop"}) as client:
        query = '{ fulfillments(locationKey: "store-manchester") { nodes { id version order { number } } } }'
        found = client.post(shop.demo.gateway, json={"query": query}).json()["data"]["fulfillments"]["nodes"]
        part = next(one for one in found if one["order"]["number"] == number)
        call = "fulfillmentMarkReady(input: $input) { userErrors { code } }"
        text = f"mutation ($input: FulfillmentMarkReadyInput!) {{ {call} }}"
        given = {"fulfillmentId": part["id"], "version": part["version"], "idempotencyKey": number}
        answer = client.post(shop.demo.gateway, json={"query": text, "variables": {"input": given}}).json()
    assert answer["data"]["fulfillmentMarkReady"]["userErrors"] == []


def check_requests(page: Page, shop: ReactShop) -> None:
    """Check that no token is part of an address, and that only the page and the web store's pictures are loaded."""
    entries = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]  # type: ignore[attr-defined]
    urls = [one["params"]["request"]["url"] for one in entries if one["method"] == "Network.requestWillBeSent"]
    pictures = f"http://127.0.0.1:{shop.demo.port + 1}/pictures/"
    ours = [url for url in urls if url.startswith("http")]
    assert ours and all(url.startswith((shop.address, pictures)) for url in ours)
    assert not [url for url in ours if "oken" in url]


def test_an_order_whose_response_was_lost_is_found_and_not_placed_twice(shop: ReactShop, page: Page) -> None:
    fill_cart(page, shop, "regency-cakestand-3-tier")
    page.fill("name", "Ivy Jackson")
    page.fill("email", "ivy@example.com")
    page.run(LOSE_ONE, "mutation PlaceOrder", 20)
    page.click(".checkout .main")
    page.find(".message", "did not respond")
    page.driver.refresh()
    page.find("h1", "Order ")
    assert list_orders(shop, "ivy@example.com", page.find("h1").text) == 1


def test_a_choice_that_changed_is_ordered_and_the_former_one_never_sent_again(shop: ReactShop, page: Page) -> None:
    fill_cart(page, shop, "regency-cakestand-3-tier")
    page.click(".checkout .choice", "Pickup in Manchester")
    page.fill("name", "Tom Webb")
    page.fill("email", "tom@example.com")
    page.execute("Network.enable")
    page.run(
        "const real = fetch; window.fetch = (a, o) => String(o?.body).includes('PlaceOrder') ? "
        "Promise.reject(new TypeError('lost')) : real(a, o); window.restore = () => (window.fetch = real)"
    )
    page.click(".checkout .main")
    page.find(".message", "did not respond")
    page.run("window.restore()")
    page.click(".checkout .choice", "Delivery")
    page.fill("line1", "3 Mill Road")
    page.fill("postalCode", "LS2 7EW")
    page.fill("city", "Leeds")
    page.click(".checkout .main", "Order and pay")
    page.find(".part[aria-label=Delivery]")
    page.find(".payment", "To pay: £18.93, by")
    given = list_placed(page)
    assert [one["shippingAddress"] is not None for one in given] == [True], "only the second choice was sent"


def list_placed(page: Page) -> list[dict[str, Any]]:
    """List the orders that were sent over the network."""
    entries = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]  # type: ignore[attr-defined]
    bodies = [
        one["params"]["request"].get("postData", "") for one in entries if one["method"] == "Network.requestWillBeSent"
    ]
    return [json.loads(body)["variables"]["input"] for body in bodies if "mutation PlaceOrder" in body]


def list_orders(shop: ReactShop, email: str, heading: str) -> int:
    """Count the open orders with the number that the page shows."""
    query = "query ($search: String) { orders(first: 10, search: $search) { nodes { number } } }"
    given = {"query": query, "variables": {"search": heading.removeprefix("Order ")}}
    answer = httpx2.post(shop.demo.gateway, json=given, headers={"authorization": "Bearer demo-staff"}).json()
    return len(answer["data"]["orders"]["nodes"])


def test_everything_works_by_keyboard(shop: ReactShop, page: Page) -> None:
    page.open(shop.address)
    page.find(".card-link")
    page.send_keys(Keys.TAB)
    assert page.run("return document.activeElement.textContent") == "Skip to content"
    page.move_focus("[name=q]")
    page.send_keys("cutlery", Keys.ENTER)
    page.find("h1", "Results for “cutlery”")
    page.wait(lambda: page.list_texts(".card-link") == ["3 piece cutlery set"])
    page.move_focus(".card-link")
    page.send_keys(Keys.ENTER)
    page.find("h1", "3 piece cutlery set")
    assert page.run("return document.activeElement.id") == "main", "a screen reader begins with the new page"
    page.move_focus(".option input")
    page.send_keys(Keys.ARROW_DOWN)
    page.find(".options legend", "Red Retrospot")
    page.move_focus(".buy .main")
    page.send_keys(Keys.ENTER)
    page.find(".message", "Added to your cart")
    page.run("document.querySelector('.brand').focus()")
    page.move_focus(".shop-button")
    page.send_keys(Keys.ENTER)
    page.wait(lambda: page.run("return document.activeElement.closest('dialog') !== null"))
    page.send_keys(Keys.ESCAPE)
    page.wait(lambda: page.run("return document.activeElement.matches('.shop-button')"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1440])
def test_no_page_has_barriers_or_scrolls_sideways(shop: ReactShop, page: Page, width: int, scheme: str) -> None:
    page.resize(width)
    page.set_scheme(scheme)
    for name in BOXES:
        open_page(page, shop, name)
        assert page.find_barriers(AXE) == [], name
        assert page.run("return document.documentElement.scrollWidth") <= width, name


def open_page(page: Page, shop: ReactShop, name: str) -> None:
    """Open the list, a product or a cart with two products, completely loaded."""
    if name == "list":
        page.open(shop.address)
        page.find(".card-link")
        page.find(".choice .muted") if page.run("return innerWidth") > 900 else None
    elif name == "product":
        page.open(f"{shop.address}/products/dragonfly-helicopter")
        page.find(".shop-stock .shop")
    else:
        page.open(f"{shop.address}/products/dragonfly-helicopter")
        page.click(".option", "Red")
        page.click(".buy .main")
        page.wait(lambda: read_count(page) == 1 and page.find(".message", "Added"))
        page.open(f"{shop.address}/cart")
        page.find(".checkout .choice time")
    page.run("document.activeElement.blur()")
    page.wait_for_images()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", BOXES)
def test_the_pages_look_as_they_did(shop: ReactShop, page: Page, name: str, width: int) -> None:
    page.resize(width, 1000)
    open_page(page, shop, name)
    page.run(HIDE_TIMES)
    shown, boxes = page.capture(), page.list_boxes(BOXES[name])
    image, layout = STORED / f"{name}-{width}.png", STORED / f"{name}-{width}.json"
    if os.environ.get("SCREENSHOTS") == "write":
        STORED.mkdir(exist_ok=True)
        image.write_bytes(shown)
        layout.write_text(json.dumps(boxes) + "\n", encoding="utf-8")
    assert boxes == json.loads(layout.read_text(encoding="utf-8"))
    different = page.compare(shown, image.read_bytes())
    print(f"{name} at {width} px: {different:.3%} of the pixels differ")
    assert different <= MAX_DIFFERENCE


def test_another_look_is_seen(shop: ReactShop, page: Page) -> None:
    page.resize(1280, 1000)
    open_page(page, shop, "list")
    page.run("document.querySelector('.cards').style.gap = '2rem'")
    assert page.list_boxes(BOXES["list"]) != json.loads((STORED / "list-1280.json").read_text(encoding="utf-8"))
    assert page.compare(page.capture(), (STORED / "list-1280.png").read_bytes()) > MAX_DIFFERENCE


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_moves_while_the_pages_load(shop: ReactShop, page: Page, width: int) -> None:
    page.resize(width)
    page.observe_loading()
    for name in ("list", "product"):
        open_page(page, shop, name)
        paint, shift = page.get_measured()
        print(f"{name} at {width} px: largest contentful paint after {paint:.2f} s, layout shift {shift:.3f}")
        assert shift < 0.01
