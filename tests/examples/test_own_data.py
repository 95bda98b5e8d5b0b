"""Customers of the demo export their data and have it erased, and staff see the proof of each channel."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conditions import wait_for
from tests.examples.chromium import Page, needs_browser, open_browser
from tests.examples.conftest import Demo
from tests.examples.react_shop import AXE, REACT
from tests.examples.test_pages import require_packages

pytestmark = [pytest.mark.long, needs_browser]

EMAIL = "ruth.palmer@example.com"
CUSTOMER = """query ($email: String!) { customers(first: 2, filter: { email: $email }) { nodes {
  id identities(first: 9) { nodes { channel { key } } } } } }"""
GUESTS = """{ orders(first: 20, filter: { channelKeys: ["amazon"] }) { nodes {
  number customer { id identities(first: 2) { totalCount } } } } }"""
MERGE = """mutation ($input: CustomerMergeInput!) {
  customerMerge(input: $input) { customer { id } userErrors { code message } } }"""
REQUESTS = """{ dataRequests(first: 20, kind: ERASE) { nodes {
  id state requestedBy parts { channel { key } state proof } } } }"""
AMAZON_ORDER_OF_ANOTHER_TEST = "202-0000000-0539656"
REFUSE_OLD_LOGIN = """
const real = window.fetch;
window.fetch = async (address, options) => {
  const input = options?.body && JSON.parse(options.body).variables.input;
  if (input?.confirm === undefined) return real(address, options);
  const error = { code: "LOGIN_TOO_OLD", message: "Log in again." };
  return Response.json({ data: { customerErase: { request: null, userErrors: [error] } } });
};
"""


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with open_browser(tmp_path / "browser") as page:
        yield page


def ask_as_staff(demo: Demo, document: str, **variables: Any) -> Any:
    """Send a document as customer service, and return its data."""
    headers = {"authorization": "Bearer demo-service"}
    body = httpx2.post(demo.gateway, json={"query": document, "variables": variables}, headers=headers).json()
    assert "errors" not in body, body
    return body["data"]


def open_account(page: Page, demo: Demo, person: str) -> None:
    page.open(f"{demo.storefront}account")
    page.click("main button", "Log in")
    page.click("button", person)
    page.find("h2", "Your data")


def list_channels(demo: Demo) -> set[str | None]:
    """List the channels of the customer's records. None: the login."""
    customers = ask_as_staff(demo, CUSTOMER, email=EMAIL)["customers"]["nodes"]
    identities = [one for customer in customers for one in customer["identities"]["nodes"]]
    return {one["channel"] and one["channel"]["key"] for one in identities}


def add_marketplace_guest(demo: Demo) -> None:
    """State that the guest of an order of the marketplace is the customer, with proof."""
    (customer,) = ask_as_staff(demo, CUSTOMER, email=EMAIL)["customers"]["nodes"]
    orders = ask_as_staff(demo, GUESTS)["orders"]["nodes"]
    guest = next(one["customer"] for one in orders if one["customer"] and one["number"] != AMAZON_ORDER_OF_ANOTHER_TEST)
    given = {"customerIds": [customer["id"], guest["id"]], "note": "Named the order", "proved": True}
    payload = ask_as_staff(demo, MERGE, input={**given, "idempotencyKey": "guest of Ruth"})["customerMerge"]
    assert payload["userErrors"] == []


def test_a_customer_exports_and_erases_and_staff_see_the_proofs(demo: Demo, page: Page) -> None:
    open_account(page, demo, "Ruth")
    page.find(".purchase", "Tills of both shops")
    page.find(".purchase", "Web store")
    add_marketplace_guest(demo)
    export_data(page)
    cancel_erase(page)
    request_erase(page)
    request_id = wait_for_erase(demo)
    check_erased_page(page)
    assert list_channels(demo) == set()
    record_erase_by_hand(demo, page, request_id)
    open_account(page, demo, "Ruth")
    page.find("main", "There are no orders yet.")


def export_data(page: Page) -> None:
    """Export the data, and download the file."""
    page.click("#export button", "Export my data")
    link = page.find("#export a", "Download my data")
    response = httpx2.get(link.get_attribute("href") or "")
    assert response.status_code == 200
    data = response.json()["data"]
    assert {"till", "web"} <= {row["channel"] for row in data["identities"]}
    assert EMAIL in response.text and len(data["orders"]) > 1
    assert "ivy.jackson" not in response.text


def cancel_erase(page: Page) -> None:
    """Request the erase with a wrong address, then with the right one, and cancel it."""
    page.fill("confirm", "somebody.else@example.com")
    page.click("#erase-form button", "Erase my data")
    page.find("#message", "to confirm the erase")
    request_erase(page)
    page.click("#erase button", "Cancel")
    page.find("#message", "Canceled. Nothing is erased.")
    page.find("#erase-form button", "Erase my data")


def request_erase(page: Page) -> None:
    """Request the erase, and see what it will do."""
    page.fill("confirm", EMAIL)
    page.click("#erase-form button", "Erase my data")
    page.find("#erase", "You can cancel it until")
    page.find(".data-part", "Tills of both shops: will be erased")
    page.find(".data-part", "Web store: will be erased")
    page.find(".data-part", "Amazon: our staff will erase it")
    page.find(".data-part", "for as long as tax law requires")


def wait_for_erase(demo: Demo) -> str:
    """Wait until the channels have proved the erase, and return the ID of its request."""

    async def is_proved() -> bool:
        return bool(find_request(demo)["state"] == "PARTLY_DONE")

    asyncio.run(wait_for(is_proved, 90))
    request = find_request(demo)
    proofs = {part["channel"] and part["channel"]["key"]: (part["state"], part["proof"]) for part in request["parts"]}
    assert {key: state for key, (state, _) in proofs.items()} == {
        **dict.fromkeys((None, "till", "web"), "DONE"),
        "amazon": "NOT_SUPPORTED",
    }
    assert all("without data when read at" in proofs[key][1] for key in ("till", "web"))
    return str(request["id"])


def check_erased_page(page: Page) -> None:
    """Check what the page shows of the erase. The login has ended, and nothing of the customer stays in the browser."""
    page.find("h1", "Your data is erased")
    for channel in ("Your account", "Tills of both shops", "Web store"):
        page.find(".data-part", f"{channel}: ")
    page.find(".data-part", "Amazon: our staff will erase it")
    page.find("#account", "Log in")
    assert page.run("return sessionStorage.length") == 0


def find_request(demo: Demo) -> dict[str, Any]:
    """Find the erase that the customer has requested, and not canceled."""
    requests = ask_as_staff(demo, REQUESTS)["dataRequests"]["nodes"]
    (request,) = [one for one in requests if one["requestedBy"] == "" and one["state"] != "CANCELLED"]
    return dict(request)


def record_erase_by_hand(demo: Demo, page: Page, request_id: str) -> None:
    """Record on the page of staff that the marketplace has erased the rest."""
    page.open(f"http://127.0.0.1:{demo.port + 1}/customers")
    request = f'#requests [data-request="{request_id}"]'
    for channel in ("Tills of both shops", "Web store"):
        text = page.find(f"{request} li", f"{channel}: done").text
        assert re.search(r"accepted at .*; without data when read at", text)
    page.find(f"{request} li", "Amazon: not supported")
    page.find(f"{request} [name=note]").send_keys("Case 123 of seller support")
    page.click(f"{request} button", "Done by hand")
    page.find("#status", "The erase is recorded.")
    page.find(f"{request} li", "Amazon: done by hand")
    page.find(f"{request} li", "Case 123 of seller support")
    page.find(f"{request} h3", "Erase, done")


def test_an_old_login_has_to_log_in_again(demo: Demo, page: Page) -> None:
    open_account(page, demo, "Noah")
    page.run(REFUSE_OLD_LOGIN)
    page.fill("confirm", "noah@example.org")
    page.click("#erase-form button", "Erase my data")
    page.find("#erase", "Please log in again to erase your data.")
    page.click("#erase button", "Log in")
    page.click("button", "Noah")
    page.find("#erase-form button", "Erase my data")


@require_packages(REACT)
def test_the_requests_have_no_barriers(demo: Demo, page: Page) -> None:
    open_account(page, demo, "Noah")
    page.click("#export button", "Export my data")
    page.find("#export a", "Download my data")
    assert page.find_barriers(AXE) == []
    page.open(f"http://127.0.0.1:{demo.port + 1}/customers")
    page.find("#requests .review", "Export, done")
    assert page.find_barriers(AXE) == []
