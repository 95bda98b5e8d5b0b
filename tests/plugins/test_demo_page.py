"""The page of the demo in a real browser: stock that moves with a sale, and a channel that breaks and heals."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from tests.plugins.test_demo_run import Demo, free_ports, read_output, start_demo

T = TypeVar("T")

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("chromedriver") is None, reason="Chromium and its driver are not installed"),
]


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    port = free_ports()
    process = await start_demo(tmp_path, port)
    yield Demo(process, port, await read_output(process))
    process.terminate()
    await process.communicate()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[WebDriver]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    quiet = ("disable-background-networking", "disable-component-update", "disable-sync", "no-first-run", "disable-gpu")
    for argument in ("headless=new", "no-sandbox", f"user-data-dir={tmp_path / 'browser'}", *quiet):
        options.add_argument(f"--{argument}")
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def wait_until(browser: WebDriver, condition: Callable[[], T]) -> T:
    """Wait until the condition is true and return its value."""
    return WebDriverWait(browser, 30, 0.1, ignored_exceptions=[Exception]).until(lambda _: condition())


def read_on_hand(browser: WebDriver, location: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, f'[data-location="{location}"] .number').text


def get_available(browser: WebDriver, location: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, f'[data-location="{location}"] td:nth-child(3)').text


def get_health(browser: WebDriver, channel: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, f"#channel-{channel} td:nth-child(2)").text


def get_age(browser: WebDriver, channel: str) -> str:
    return browser.find_element(By.CSS_SELECTOR, f"#channel-{channel} td:nth-child(4)").text


def list_row_positions(browser: WebDriver) -> list[int]:
    """Return the top of every row of a table, from the top of the page."""
    script = "return [...document.querySelectorAll('tbody tr')].map((row) => Math.round(row.offsetTop))"
    positions: list[int] = browser.execute_script(script)
    return positions


def look(browser: WebDriver, address: str) -> None:
    browser.get(address)
    assert "All channels in one API" in browser.page_source
    before = int(wait_until(browser, lambda: read_on_hand(browser, "store-london")))
    rows = list_row_positions(browser)
    assert len(rows) > 6
    browser.find_element(By.CSS_SELECTOR, '[data-sell="till store-london"]').click()
    wait_until(browser, lambda: int(read_on_hand(browser, "store-london")) == before - 1)
    promised = int(get_available(browser, "warehouse-leeds"))
    browser.find_element(By.CSS_SELECTOR, '[data-sell="web warehouse-leeds"]').click()
    wait_until(browser, lambda: int(get_available(browser, "warehouse-leeds")) == promised - 1)
    price = browser.find_element(By.CSS_SELECTOR, '[data-play="web"] input')
    price.send_keys("20")
    wait_until(browser, lambda: "0 s" in get_age(browser, "till"))  # everything has been read again meanwhile
    assert price.get_attribute("value") == "20", "what is being typed stays"
    price.submit()
    wait_until(browser, lambda: "23.50 GBP" in browser.find_element(By.ID, "variants").text)
    modes = Select(browser.find_element(By.CSS_SELECTOR, "#channel-till select"))
    modes.select_by_value("down")
    wait_until(browser, lambda: get_health(browser, "till").startswith(("DEGRADED", "DOWN")))
    assert read_on_hand(browser, "store-london") == str(before - 1), "what is known stays"
    assert list_row_positions(browser) == rows, "no row jumps"
    Select(browser.find_element(By.CSS_SELECTOR, "#channel-till select")).select_by_value("ok")
    wait_until(browser, lambda: get_health(browser, "till") == "HEALTHY")
    hosts = browser.execute_script(
        "return performance.getEntriesByType('resource').map((one) => new URL(one.name).host)"
    )
    assert set(hosts) == {address.split("/")[2]}, "nothing comes from another host"


async def test_the_page_shows_what_is_sold_and_what_is_broken(demo: Demo, browser: WebDriver) -> None:
    await asyncio.to_thread(look, browser, f"http://127.0.0.1:{demo.port + 1}/")
