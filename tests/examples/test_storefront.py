"""The storefront in a real browser: from the product list to a pickup code."""

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

from examples.storefront.manifest import compute_ids, load_documents
from tests.examples.conftest import Demo
from tests.plugins.test_demo_page import browser, wait_until

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
"""The gateway is overloaded at first, and later the response to an order is lost."""


class BrowserShopper:
    """A browser on the storefront."""

    def __init__(self, browser: WebDriver, address: str) -> None:
        self.browser = browser
        origin = address.split("/storefront")[0]
        self._execute("Browser.grantPermissions", origin=origin, permissions=["geolocation"])
        self._execute("Emulation.setGeolocationOverride", **MANCHESTER)
        browser.get(address)

    def _execute(self, command: str, **parameters: Any) -> None:
        self.browser.execute_cdp_cmd(command, parameters)

    def find_element(self, selector: str, text: str = "") -> Any:
        """Wait for an element with this selector and text."""

        def find_shown() -> Any:
            shown = self.browser.find_elements(By.CSS_SELECTOR, selector)
            return next((one for one in shown if text in one.text), None)

        return wait_until(self.browser, find_shown)

    def click(self, selector: str) -> None:
        self.find_element(selector).click()


@needs_browser
def test_a_shopper_finds_a_product_and_orders_it_for_pickup(demo: Demo, browser: WebDriver) -> None:
    shopper = BrowserShopper(browser, demo.storefront)
    check_product_page(shopper)
    submit_order(shopper)
    cancel_order(shopper)
    check_requests(browser, demo.storefront)


def check_product_page(shopper: BrowserShopper) -> None:
    """Check the products of all channels and their availability."""
    shopper.find_element("h1", "Products")
    Select(shopper.find_element("#location")).select_by_visible_text("Current location")
    shopper.find_element(".cards li .shelf", "Manchester, King Street")
    search = shopper.find_element("#search input")
    search.send_keys("22423")
    shopper.browser.execute_script(BAD_DAY)
    search.submit()
    shopper.find_element(".quiet", "1 product in all channels")
    card = shopper.find_element(".cards li", "REGENCY CAKESTAND")
    assert "Web store" in card.text and "Amazon" in card.text and "£14.98" in card.text
    shopper.click(".cards li a")
    assert [row.text.split(" km")[0] for row in list_rows(shopper, ".stores")] == [
        "Manchester, King Street 0.3",
        "London, Marylebone 260.4",
    ]
    assert {row.text.replace(" REGENCY CAKESTAND 3 TIER", "") for row in list_rows(shopper, ".listings")} == {
        "Web store £14.98",
        "Tills of both shops £12.75 before tax",
        "Amazon £14.98",
    }


def list_rows(shopper: BrowserShopper, table: str) -> list[Any]:
    shopper.find_element(f"{table} tbody tr")
    return shopper.browser.find_elements(By.CSS_SELECTOR, f"{table} tbody tr")


def submit_order(shopper: BrowserShopper) -> None:
    """Order two units for pickup in the nearest shop."""
    shopper.click("#add")
    shopper.find_element('.lines input[type="number"]').send_keys(Keys.ARROW_UP)
    shopper.find_element("#total", "£29.96")
    shopper.find_element("#checkout label", "Pickup in Manchester, King Street")
    shopper.find_element('#checkout input[name="name"]').send_keys("Ivy Jackson")
    shopper.click("#order")
    shopper.find_element("#problem", "cannot be reached")
    shopper.click("#order")
    assert re.fullmatch(r"\d{6}", shopper.find_element(".code").text)
    shopper.find_element("section p", "4 King Street, M2 6AQ, Manchester")
    shopper.find_element(".price", "To pay: £29.96")
    assert shopper.browser.find_element(By.ID, "problem").text == "", "nothing is wrong any more"
    assert "token" not in shopper.browser.current_url


def cancel_order(shopper: BrowserShopper) -> None:
    """Cancel the order that is not paid yet."""
    assert re.fullmatch(r"To pay: £29\.96, by .+", shopper.find_element("#payment").text)
    shopper.click("#cancel")
    shopper.find_element("#payment", "Canceled")


def check_requests(browser: WebDriver, address: str) -> None:
    """Check that every request used a published document id and no text, and that no other origin was contacted."""
    requests = [one for one in list_requests(browser, address) if not one["url"].startswith("data:")]
    assert {urlsplit(one["url"]).netloc for one in requests} == {urlsplit(address).netloc}
    found = parse_questions(requests)
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
        "OrderCancel",
    }
    first, second = [variables for _, name, variables in found if name == "OrderPlace"]
    assert first == second, "what was lost was sent again with its key"


def parse_questions(requests: list[dict[str, Any]]) -> list[tuple[str, str, Any]]:
    """Parse the GraphQL requests: method, document, variables."""
    names = {given: name for name, given in compute_ids(load_documents()).items()}
    given = [(one["method"], parse_question(one)) for one in requests if "/graphql" in one["url"]]
    assert all(one.keys() == {"documentId", "variables"} for _, one in given)
    return [(method, names[one["documentId"]], one["variables"]) for method, one in given]


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


def list_requests(browser: WebDriver, page: str) -> list[dict[str, Any]]:
    """List the requests of this page, without those of the browser itself."""
    entries = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]  # type: ignore[attr-defined]
    asked = [entry["params"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]
    return [one["request"] for one in asked if one["documentURL"].startswith(page)]


def parse_question(request: dict[str, Any]) -> dict[str, Any]:
    if request["method"] == "POST":
        posted: dict[str, Any] = json.loads(request["postData"])
        return posted
    return {name: values[0] for name, values in parse_qs(urlsplit(request["url"]).query).items()}
