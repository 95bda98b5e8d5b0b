"""GraphiQL in a real browser, and as it is built."""

from __future__ import annotations

import filecmp
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

from gateway.http.graphql.playground import FOLDER
from tests.examples.conftest import ROOT, Demo
from tests.plugins.test_demo_page import browser, wait_until

pytestmark = pytest.mark.long

__all__ = ["browser"]

SOURCE = ROOT / "playground"
EDITOR, RESPONSE, RUN = ".graphiql-query-editor .monaco-editor", ".graphiql-response", ".graphiql-execute-button"
needs_browser = pytest.mark.skipif(
    shutil.which("chromedriver") is None, reason="Chromium and its driver are not installed"
)
needs_packages = pytest.mark.skipif(
    shutil.which("node") is None or not (SOURCE / "node_modules" / "ready").exists(),
    reason="node is missing, or what it needs (see SUITES in the Makefile)",
)


def find(browser: WebDriver, selector: str, text: str = "") -> Any:
    """Wait for an element with this selector and text."""
    return wait_until(
        browser, lambda: next(one for one in browser.find_elements(By.CSS_SELECTOR, selector) if text in one.text)
    )


RECORD_PROBLEMS = """
const problems = [];
document.addEventListener("securitypolicyviolation", (event) => problems.push(event.violatedDirective));
for (const kind of ["error", "unhandledrejection"]) {
  addEventListener(kind, (event) => problems.push(event.message ?? String(event.reason)));
}
"""


def open_page(browser: WebDriver, address: str, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700}
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": RECORD_PROBLEMS})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(address)
    find(browser, f"{EDITOR} .view-line", "query")


def run_query(browser: WebDriver, expected: str) -> None:
    find(browser, RUN).click()
    find(browser, RESPONSE, expected)


def open_tab(browser: WebDriver, name: str) -> None:
    find(browser, ".graphiql-tab button", name).click()
    find(browser, f"{EDITOR} .view-line", name)


def list_problems(browser: WebDriver) -> list[str]:
    """List what the page's policy has blocked, and the errors of its program."""
    return list(browser.execute_script("return problems"))


@needs_browser
def test_a_developer_runs_the_queries_of_the_demo(demo: Demo, browser: WebDriver) -> None:
    open_page(browser, demo.gateway, 1280)
    run_query(browser, "CAKESTAND")
    open_tab(browser, "LatestOrders")
    run_query(browser, "UNAUTHENTICATED")
    find(browser, "#token").send_keys("demo-staff")
    run_query(browser, '"placedAt"')
    for label, shown in (
        ("Show Documentation Explorer", "Query"),
        ("Show History", "LatestOrders"),
        ("Show GraphiQL Explorer", "products"),
    ):
        find(browser, f'[aria-label="{label}"]').click()
        find(browser, ".graphiql-plugin", shown)
    check_editor_knows_schema(browser)
    assert list_problems(browser) == []
    stored = browser.execute_script("return JSON.stringify(localStorage)").replace("the token demo-staff", "")
    assert "LatestOrders" in stored and "demo-staff" not in stored
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)")
    assert len(loaded) > 3 and all(address.startswith(demo.gateway) for address in loaded)


def check_editor_knows_schema(browser: WebDriver) -> None:
    """Check that a wrong field is underlined: a worker has compared the text with the schema."""
    browser.execute_script(
        "__MONACO.editor.getEditors()[0].setValue('query Wrong { products(first: 1) { nodes { titel } } }')"
    )
    find(browser, f"{EDITOR} .squiggly-error")


@needs_browser
def test_a_narrow_screen_shows_query_and_answer(demo: Demo, browser: WebDriver) -> None:
    open_page(browser, demo.gateway, 390)
    run_query(browser, "CAKESTAND")
    assert browser.execute_script("return document.documentElement.scrollWidth") == 390
    editor, response = (find(browser, one).rect for one in (".graphiql-editors", RESPONSE))
    assert min(editor["width"], response["width"]) > 300
    assert editor["y"] + editor["height"] <= response["y"] and response["height"] > 200
    find(browser, '[aria-label="Show Documentation Explorer"]').click()
    assert find(browser, ".graphiql-plugin", "Query").rect["width"] > 300


@needs_browser
def test_the_proof_what_the_policy_blocks_is_seen(demo: Demo, browser: WebDriver) -> None:
    open_page(browser, demo.gateway, 1280)
    browser.execute_script("fetch('http://elsewhere.example/').catch(() => {})")
    assert wait_until(browser, lambda: list_problems(browser)) == ["connect-src"]


# ------------------------------------------------------------------------------------------------ as it is built


def list_differences(built: Path, committed: Path) -> list[str]:
    """List the files that only one folder has, or that differ."""
    names = {path.name for folder in (built, committed) for path in folder.iterdir()}
    _, different, missing = filecmp.cmpfiles(built, committed, names, shallow=False)
    return sorted(different + missing)


@needs_packages
def test_the_committed_page_is_what_its_source_builds(tmp_path: Path) -> None:
    built = tmp_path / "page"
    subprocess.run(("node", "build.mjs", str(built)), cwd=SOURCE, check=True, capture_output=True)
    assert list_differences(built, FOLDER) == []


def test_the_proof_another_file_is_a_difference(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(FOLDER, tmp_path / "page"))
    assert list_differences(copy, FOLDER) == []
    (copy / "index.html").write_text("other")
    (copy / "more.js").write_text("")
    assert list_differences(copy, FOLDER) == ["index.html", "more.js"]
