"""The customer page of the demo in a real browser: find a customer, see why the records are one, decide, and undo."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from selenium.webdriver.support.select import Select

from tests.conditions import wait_for
from tests.examples.chromium import Page, needs_browser, open_browser
from tests.examples.conftest import Demo
from tests.examples.documentation_shell import follow, parse_steps

pytestmark = pytest.mark.long

AMAZON_ORDER = "202-0000000-0539656"
CARD = "9800000900017"
POINTS = 32
JOINED = "Joined: same email address and full name (clara.osborne@example.com) as Web store"
CUSTOMER = """query ($search: String!) { customers(first: 2, search: $search) { nodes {
  id version displayName identities(first: 9) { nodes { id externalId evidence { rule verdict value } } }
  merges { id } loyalty { balance } timeline(first: 50) { nodes { id summary } } } } }"""
SETTLED = """query ($number: String!, $card: String!) {
  customerReviews(first: 1, states: [OPEN]) { nodes { id } }
  orders(first: 1, search: $number) { nodes { customer { loyalty { balance } } } }
  customers(first: 2, search: $card) { nodes { loyalty { balance } } } }"""
UPDATE = """mutation ($input: CustomerUpdateInput!) {
  customerUpdate(input: $input) { customer { version } userErrors { code message } } }"""
HOSTILE = "<img src=x onerror=document.title='hacked'>"
LOSE_RESPONSE = """
const real = window.fetch;
window.keys = [];
window.fetch = async (address, options) => {
  const key = JSON.parse(options.body).variables.input?.idempotencyKey;
  const response = await real(address, options);
  if (key && window.keys.push(key) === 1) throw new TypeError("lost");
  return response;
};
"""
"""The gateway merges, and its response is lost. `keys`: of the mutations that are sent."""


@pytest.fixture
def settled(demo: Demo) -> Demo:
    """The demo after the background tasks that follow the first sync."""

    async def is_settled() -> bool:
        return has_settled(demo)

    asyncio.run(wait_for(is_settled, 60))
    return demo


@pytest.fixture
def page(tmp_path: Path, settled: Demo) -> Iterator[Page]:
    with open_browser(tmp_path / "browser") as page:
        page.open(get_address(settled))
        yield page


def get_address(demo: Demo) -> str:
    return f"http://127.0.0.1:{demo.port + 1}/customers"


def post_document(demo: Demo, document: str, **variables: Any) -> dict[str, Any]:
    """Send a document as the page does."""
    answer = httpx2.post(f"{get_address(demo)}/graphql", json={"query": document, "variables": variables})
    body: dict[str, Any] = answer.json()
    assert "errors" not in body
    data: dict[str, Any] = body["data"]
    return data


def find_customer(demo: Demo, search: str) -> dict[str, Any]:
    """Return the only customer whose name or card has this text."""
    (customer,) = post_document(demo, CUSTOMER, search=search)["customers"]["nodes"]
    return dict(customer)


def describe_customer(demo: Demo, search: str) -> Any:
    """Return what a decision may change and its undoing restores. Versions grow, and decisions stay listed."""
    return {name: value for name, value in find_customer(demo, search).items() if name not in ("version", "merges")}


def has_settled(demo: Demo) -> bool:
    """Whether the guest is recognized, the review is open, and points are posted."""
    data = post_document(demo, SETTLED, number=AMAZON_ORDER, card=CARD)
    guests = [order["customer"] for order in data["orders"]["nodes"]]
    accounts = [customer and customer["loyalty"] for customer in [*guests, *data["customers"]["nodes"]]]
    is_earned = len(accounts) == 2 and all(accounts) and accounts[1]["balance"] == POINTS
    return is_earned and bool(data["customerReviews"]["nodes"])


def search(page: Page, by: str, text: str) -> None:
    Select(page.find("[name=by]")).select_by_value(by)
    page.fill("text", text)
    page.click("#search button")


def show_customer(page: Page, by: str, text: str, name: str) -> None:
    """Search for a customer and open the result."""
    search(page, by, text)
    page.click("#results a", name)
    page.find("#customer h2", name)


def list_records(page: Page) -> list[str]:
    """Return the channels of the identities that are shown, without their IDs."""
    return sorted(text.rpartition(" ")[0] for text in page.list_texts("#identities tbody td:nth-child(2)"))


def submit_decision(page: Page, form: str, note: str, button: str) -> None:
    """Fill in the note of a form and press one of its buttons."""
    page.find(f"{form} [name=note]").send_keys(note)
    page.click(f"{form} button", button)


def undo_decision(page: Page, note: str) -> None:
    """Undo the newest decision of the customer that is shown."""
    submit_decision(page, "#decisions li:first-child form", note, "Undo")
    page.find("#status", "The decision is undone.")


@needs_browser
@pytest.mark.parametrize(
    ("by", "text"), [("loyaltyNumber", CARD), ("phone", "+44 7400 100101"), ("email", "Clara.Osborne@example.com")]
)
def test_a_customer_of_till_and_store_is_found_and_explained(page: Page, by: str, text: str) -> None:
    show_customer(page, by, text, "Clara Osborne")
    assert page.find("#status").text == "1 customer"
    assert list_records(page) == ["Tills of both shops", "Web store"]
    page.find("#identities li", JOINED)
    page.find("#identities li", f"Has loyalty number {CARD}")
    summaries = [text.split(" · ", 1)[1] for text in page.list_texts("#timeline li")]
    assert summaries == [
        "Web store · Order #1032",
        "Web store · 16 points: Purchase #1032",
        "Tills of both shops · Order 990001",
        "Tills of both shops · 16 points: Purchase 990001",
    ]
    assert page.find('[data-fact="Points"]').text == f"{POINTS} (0.32 GBP), card {CARD}"
    page.find("#sources li", "email: Web store")


@needs_browser
def test_a_search_without_a_result_says_so(page: Page) -> None:
    search(page, "email", "unknown@example.com")
    page.find("#status", "0 customers")
    search(page, "phone", "x" * 200)
    page.find("#status", "0 customers")


@needs_browser
def test_a_review_is_decided_and_the_decision_undone(demo: Demo, page: Page) -> None:
    before = [describe_customer(demo, name) for name in ("Marta Whitlock", "Maria Whitlock")]
    page.find("#reviews .review", "The given names differ by one letter.")
    page.find("#reviews .review li", "Suggested: same email address (m.whitlock@example.com)")
    submit_decision(page, "#reviews .review form", "Confirmed by phone", "Same person")
    page.find("#status", "They are one customer now.")
    page.find("#reviews", "No reviews are open.")
    assert list_records(page) == ["Tills of both shops", "Web store"]
    page.find("#decisions li", "merged by demo-service: Confirmed by phone")
    undo_decision(page, "The wrong customer")
    page.find("#reviews .review", "The given names differ by one letter.")
    assert [describe_customer(demo, name) for name in ("Marta Whitlock", "Maria Whitlock")] == before
    submit_decision(page, "#reviews .review form", "", "Different people")
    page.find("#status", "They stay different customers.")
    page.find("#reviews", "No reviews are open.")
    undo_decision(page, "To be decided later")
    page.find("#reviews .review", "The given names differ by one letter.")


@needs_browser
def test_two_customers_are_merged_once_and_the_merge_undone(demo: Demo, page: Page) -> None:
    before, decisions = describe_customer(demo, CARD), len(find_customer(demo, CARD)["merges"])
    choose_customers(page)
    page.click("#preview button", "Preview the merge")
    page.find("#preview h3", "They would be Clara Osborne, with 3 orders")
    page.run(LOSE_RESPONSE)
    submit_decision(page, "#preview form", "Named the order", "Merge")
    page.find("#status", "Press the button again to retry.")
    page.click("#preview form button", "Merge")
    page.find("#status", "The customers are merged.")
    assert list_records(page) == ["Amazon", "Tills of both shops", "Web store"]
    page.find("#timeline li", f"Order {AMAZON_ORDER}")
    assert len(find_customer(demo, CARD)["merges"]) == decisions + 1
    undo_decision(page, "The order is somebody else's")
    merge, retry, undo = page.run("return window.keys")
    assert merge == retry != undo, "one key per intent"
    assert list_records(page) == ["Tills of both shops", "Web store"]
    assert describe_customer(demo, CARD) == before


def choose_customers(page: Page) -> None:
    """Choose the customer with the card and the guest of the order at Amazon, who stays apart."""
    search(page, "order", AMAZON_ORDER)
    page.find("#results .customer-line", "Amazon")
    page.click("#results button", "Choose to merge")
    search(page, "loyaltyNumber", CARD)
    page.find("#results .customer-line", "Clara Osborne")
    page.click("#results button", "Choose to merge")
    assert len(page.find_all("#chosen li")) == 2


@needs_browser
def test_identities_are_split_and_the_split_undone(demo: Demo, page: Page) -> None:
    before = describe_customer(demo, CARD)
    show_customer(page, "loyaltyNumber", CARD, "Clara Osborne")
    submit_decision(page, '[aria-label="Split"]', "Nothing chosen", "Split")
    page.find("#status", "Expected some identities of the customer, and not all of them.")
    page.click('[aria-label^="Split Web store"]')
    page.find('[aria-label="Split"] [name=note]').clear()
    submit_decision(page, '[aria-label="Split"]', "A namesake", "Split")
    page.find("#status", "The identities are another customer's now.")
    assert list_records(page) == ["Tills of both shops"]
    undo_decision(page, "One person after all")
    assert list_records(page) == ["Tills of both shops", "Web store"]
    page.find("#identities li", JOINED)
    assert describe_customer(demo, CARD) == before


@needs_browser
def test_merge_and_split_require_a_note(page: Page) -> None:
    show_customer(page, "loyaltyNumber", CARD, "Clara Osborne")
    page.click('[aria-label="Split"] button')
    check_required_note(page, "Split")
    choose_customers(page)
    page.click("#preview button", "Preview the merge")
    page.click('[aria-label="Merge"] button')
    check_required_note(page, "Merge")


def check_required_note(page: Page, form: str) -> None:
    """Check that the browser has not sent the form, and shows the note that is missing."""
    selector = f'[aria-label="{form}"] [name=note]'
    assert page.run("return document.activeElement.matches(arguments[0])", selector)
    assert page.run("return document.activeElement.validity.valueMissing")


@needs_browser
def test_a_hostile_name_is_shown_as_text(demo: Demo, page: Page) -> None:
    rename_customer(demo, HOSTILE, "hostile")
    try:
        show_customer(page, "loyaltyNumber", CARD, HOSTILE)
        page.find("#results a", HOSTILE)
        assert page.find_all("img") == []
        assert page.driver.title == "Customers · Commerce Gateway demo"
    finally:
        rename_customer(demo, None, "restored")


def rename_customer(demo: Demo, name: str | None, key: str) -> None:
    """Enter a given name without a family name, or take it out."""
    customer = find_customer(demo, CARD)
    given = {"customerId": customer["id"], "version": customer["version"], "idempotencyKey": f"rename {key}"}
    names = {"givenName": name, "familyName": None}
    assert post_document(demo, UPDATE, input={**given, **names})["customerUpdate"]["userErrors"] == []


@needs_browser
def test_no_page_contains_the_token_and_other_origins_cannot_use_it(demo: Demo, page: Page) -> None:
    names = page.run("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert {name.split("/")[2] for name in names} == {f"127.0.0.1:{demo.port + 1}"}
    files = [httpx2.get(name) for name in [get_address(demo), *names] if not name.endswith("/graphql")]
    assert all(file.is_success and "demo-service" not in file.text for file in files)
    assert "script-src 'self'" in files[0].headers["content-security-policy"]
    body = json.dumps({"query": "{ viewer { kind } }"})
    refused = httpx2.post(f"{get_address(demo)}/graphql", content=body, headers={"content-type": "text/plain"})
    assert not refused.is_success, "a browser sends this for a page of another origin"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_chapter_about_the_demo_answers_as_it_says(settled: Demo, tmp_path: Path) -> None:
    before = describe_customer(settled, CARD)
    steps = parse_steps("customers.md")
    assert len(steps) == 11
    follow(steps, tmp_path, settled.environment, {})
    assert describe_customer(settled, CARD) == before
