"""The storefront in a real browser: from the list of products to a code to collect them with."""

from __future__ import annotations

import json
import re
import shutil
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.select import Select

from examples.storefront.manifest import ids, texts
from tests.examples.conftest import Demo
from tests.plugins.test_demo_page import browser, until

pytestmark = pytest.mark.long

__all__ = ["browser"]

needs_browser = pytest.mark.skipif(
    shutil.which("chromedriver") is None, reason="Chromium and its driver are not installed"
)
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
"""The gateway has too much to do at first, and later the answer to an order is lost on its way."""


class Shopper:
    """Somebody at the page."""

    def __init__(self, browser: WebDriver, address: str) -> None:
        self.browser = browser
        origin = address.split("/storefront")[0]
        self._told("Browser.grantPermissions", origin=origin, permissions=["geolocation"])
        self._told("Emulation.setGeolocationOverride", **MANCHESTER)
        browser.get(address)

    def _told(self, command: str, **parameters: Any) -> None:
        self.browser.execute_cdp_cmd(command, parameters)

    def see(self, selector: str, text: str = "") -> Any:
        """What there is of this kind, once it says so."""

        def found() -> Any:
            shown = self.browser.find_elements(By.CSS_SELECTOR, selector)
            return next((one for one in shown if text in one.text), None)

        return until(self.browser, found)

    def click(self, selector: str) -> None:
        self.see(selector).click()


@needs_browser
def test_a_shopper_finds_a_product_and_orders_it_for_pickup(demo: Demo, browser: WebDriver) -> None:
    shopper = Shopper(browser, demo.storefront)
    found(shopper)
    ordered(shopper)
    asked(browser, demo.storefront)


def found(shopper: Shopper) -> None:
    """What all channels sell, and where it is."""
    shopper.see("h1", "Products")
    Select(shopper.see("#place")).select_by_visible_text("where I am")
    shopper.see(".cards li .shelf", "Manchester, King Street")
    search = shopper.see("#search input")
    search.send_keys("22423")
    shopper.browser.execute_script(BAD_DAY)
    search.submit()
    shopper.see(".quiet", "1 product of all channels")
    card = shopper.see(".cards li", "REGENCY CAKESTAND")
    assert "Web store" in card.text and "Amazon" in card.text and "£14.98" in card.text
    shopper.click(".cards li a")
    assert [row.text.split(" km")[0] for row in rows(shopper, ".stores")] == [
        "Manchester, King Street 0.3",
        "London, Marylebone 260.4",
    ]
    assert {row.text.replace(" REGENCY CAKESTAND 3 TIER", "") for row in rows(shopper, ".listings")} == {
        "Web store £14.98",
        "Tills of both shops £12.75 before tax",
        "Amazon £14.98",
    }


def rows(shopper: Shopper, table: str) -> list[Any]:
    shopper.see(f"{table} tbody tr")
    return shopper.browser.find_elements(By.CSS_SELECTOR, f"{table} tbody tr")


def ordered(shopper: Shopper) -> None:
    """Into the cart, two of it, and collected in the nearest shop."""
    shopper.click("#add")
    shopper.see('.lines input[type="number"]').send_keys(Keys.ARROW_UP)
    shopper.see("#total", "£29.96")
    shopper.see("#checkout label", "Pickup in Manchester, King Street")
    shopper.see('#checkout input[name="name"]').send_keys("Ivy Jackson")
    shopper.click("#order")
    shopper.see("#problem", "cannot be reached")
    shopper.click("#order")
    assert re.fullmatch(r"\d{6}", shopper.see(".code").text)
    shopper.see("section p", "4 King Street, M2 6AQ, Manchester")
    shopper.see(".price", "To be paid: £29.96")
    assert shopper.browser.find_element(By.ID, "problem").text == "", "nothing is wrong any more"
    assert "token" not in shopper.browser.current_url


def asked(browser: WebDriver, address: str) -> None:
    """Every question had an id of those that were pushed, and no text; and nothing came from elsewhere."""
    requests = [one for one in sent(browser, address) if not one["url"].startswith("data:")]
    assert {urlsplit(one["url"]).netloc for one in requests} == {urlsplit(address).netloc}
    found = questions(requests)
    assert {name for method, name, _ in found if method == "GET"} == {
        "Stores",
        "ProductsNear",
        "ProductPage",
        "StoreAvailability",
    }
    assert {name for method, name, _ in found if method == "POST"} == {
        "CartCreate",
        "CartLinesUpdate",
        "Cart",
        "FulfillmentOptions",
        "OrderPreview",
        "OrderPlace",
        "Order",
    }
    first, second = [variables for _, name, variables in found if name == "OrderPlace"]
    assert first == second, "what was lost was sent again with its key"


def questions(requests: list[dict[str, Any]]) -> list[tuple[str, str, Any]]:
    """What the gateway was asked: method, document, variables."""
    names = {given: name for name, given in ids(texts()).items()}
    given = [(one["method"], question(one)) for one in requests if "/graphql" in one["url"]]
    assert all(one.keys() == {"documentId", "variables"} for _, one in given)
    return [(method, names[one["documentId"]], one["variables"]) for method, one in given]


@pytest.mark.parametrize("body", [{"query": "{ viewer { kind } }"}, {"documentId": "sha256:0", "variables": {}}])
def test_a_question_that_was_not_pushed_is_seen(body: dict[str, Any]) -> None:
    request = {"method": "POST", "url": "http://x/graphql", "postData": json.dumps(body)}
    with pytest.raises((AssertionError, KeyError)):
        questions([request])


def test_what_is_public_is_kept_on_its_way_and_the_page_may_ask_nobody_else(demo: Demo) -> None:
    given = {"documentId": ids(texts())["Stores"], "variables": "{}"}
    with httpx2.Client(base_url=demo.storefront) as client:
        first = client.get("graphql", params=given)
        again = client.get("graphql", params=given, headers={"if-none-match": first.headers["etag"]})
        policy = client.get("").headers["content-security-policy"]
    assert (first.status_code, again.status_code) == (200, 304)
    assert first.headers["cache-control"].startswith("public, max-age=")
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy


def sent(browser: WebDriver, page: str) -> list[dict[str, Any]]:
    """All that was asked for by this page, and not by the browser itself."""
    entries = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]  # type: ignore[attr-defined]
    asked = [entry["params"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]
    return [one["request"] for one in asked if one["documentURL"].startswith(page)]


def question(request: dict[str, Any]) -> dict[str, Any]:
    if request["method"] == "POST":
        posted: dict[str, Any] = json.loads(request["postData"])
        return posted
    return {name: values[0] for name, values in parse_qs(urlsplit(request["url"]).query).items()}
