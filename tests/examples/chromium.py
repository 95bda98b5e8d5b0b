"""A headless Chromium for the pages of the examples: screenshots, layout boxes, accessibility, paint and shift."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

T = TypeVar("T")

needs_browser = pytest.mark.skipif(
    shutil.which("chromedriver") is None, reason="Chromium and its driver are not installed"
)
SWITCHES = (
    *("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"),
    *("disable-component-update", "disable-sync", "hide-scrollbars", "force-color-profile=srgb"),
)
COMPARE = """
const [one, other, done] = [arguments[0], arguments[1], arguments[2]];
const load = (data) => new Promise((resolve) => {
  const image = new Image();
  image.onload = () => resolve(image);
  image.src = `data:image/png;base64,${data}`;
});
Promise.all([load(one), load(other)]).then((images) => {
  const [first, second] = images.map((image) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height);
  });
  if (first.width !== second.width || first.height !== second.height) return done(1);
  let different = 0;
  for (let at = 0; at < first.data.length; at += 4)
    if ([0, 1, 2].some((color) => Math.abs(first.data[at + color] - second.data[at + color]) > 16)) different += 1;
  done(different / (first.data.length / 4));
});
"""
IMAGES_LOADED = """
const isShown = ({ top, bottom }) => bottom > 0 && top < innerHeight;
const shown = [...document.images].filter((one) => isShown(one.getBoundingClientRect()));
return document.fonts.status === "loaded" && shown.every((one) => one.complete && one.naturalWidth > 0);
"""
OBSERVE = """
window.measured = { shift: 0, paint: 0 };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.measured.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.measured.paint = entry.startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });
"""


@dataclass(frozen=True)
class Page:
    """A browser window on a page."""

    driver: WebDriver

    def open(self, address: str) -> None:
        self.driver.get(address)

    def resize(self, width: int, height: int = 900) -> None:
        """Set the size of the window, in pixels of the page."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.execute("Emulation.setDeviceMetricsOverride", **size)

    def set_scheme(self, scheme: str) -> None:
        """Prefer dark or light colors."""
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.execute("Emulation.setEmulatedMedia", features=features)

    def set_offline(self, offline: bool) -> None:
        """Cut the connection, or restore it."""
        self.execute("Network.enable")
        limits = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.execute("Network.emulateNetworkConditions", offline=offline, **limits)

    def execute(self, command: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, parameters)

    def run(self, script: str, *given: Any) -> Any:
        return self.driver.execute_script(script, *given)

    def wait(self, condition: Callable[[], T]) -> T:
        """Wait until the condition is true, and return its value."""
        try:
            return WebDriverWait(self.driver, 10, 0.05, ignored_exceptions=[Exception]).until(lambda _: condition())
        except TimeoutException as error:
            shown = self.driver.find_element(By.TAG_NAME, "body").text
            raise AssertionError(f"{self.driver.current_url} shows:\n{shown}") from error

    def find(self, selector: str, text: str = "") -> WebElement:
        """Wait for an element with this selector that contains the text."""
        return self.wait(lambda: next(one for one in self.find_all(selector) if text in one.text))

    def find_all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def list_texts(self, selector: str) -> list[str]:
        return [one.text for one in self.find_all(selector)]

    def click(self, selector: str, text: str = "") -> None:
        """Click an element as soon as nothing covers it."""
        element = self.find(selector, text)
        self.run("arguments[0].scrollIntoView({ block: 'center' })", element)

        def has_clicked() -> bool:
            element.click()
            return True

        self.wait(has_clicked)

    def fill(self, name: str, text: str) -> None:
        """Replace the text of a field of a form."""
        field = self.find(f'[name="{name}"]')
        field.clear()
        field.send_keys(text)

    def send_keys(self, *keys: str) -> None:
        """Press keys where the focus is."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def move_focus(self, selector: str) -> None:
        """Press the tab key until the focus is at the element."""
        for _ in range(60):
            if self.run("return document.activeElement.matches(arguments[0])", selector):
                return
            self.send_keys(Keys.TAB)
        raise AssertionError(f"the focus does not reach {selector}")

    def wait_for_images(self) -> None:
        """Wait until fonts, and all images in the window, are loaded."""
        self.wait(lambda: self.run(IMAGES_LOADED))

    def capture(self) -> bytes:
        """Take a screenshot of the window."""
        return base64.b64decode(self.execute("Page.captureScreenshot", format="png")["data"])

    def compare(self, one: bytes, other: bytes) -> float:
        """Return the share of the pixels in which two screenshots differ visibly; 1 if their sizes differ."""
        self.driver.get("about:blank")
        encoded = (base64.b64encode(image).decode() for image in (one, other))
        return float(self.driver.execute_async_script(COMPARE, *encoded))

    def list_boxes(self, selectors: Mapping[str, str]) -> dict[str, list[int]]:
        """Return left, top, width and height of the first element of each selector."""
        script = (
            "const box = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return [box.x, box.y, box.width, box.height].map(Math.round)"
        )
        return {name: self.run(script, selector) for name, selector in selectors.items()}

    def find_barriers(self, axe: Path) -> list[str]:
        """Return the serious problems that axe-core finds, with the elements."""
        self.run(axe.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script("axe.run().then(arguments[0])")
        serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
        return [f"{one['id']}: {node['html'][:120]}" for one in serious for node in one["nodes"]]

    def observe_loading(self) -> None:
        """Measure the next pages from their start."""
        self.execute("Page.addScriptToEvaluateOnNewDocument", source=OBSERVE)

    def get_measured(self) -> tuple[float, float]:
        """Return the largest contentful paint in seconds, and the layout shift."""
        measured = self.run("return window.measured")
        return measured["paint"] / 1000, measured["shift"]


@contextmanager
def open_browser(folder: Path, *, width: int = 1280) -> Iterator[Page]:
    """Open a browser with an empty profile."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    for switch in (*SWITCHES, f"user-data-dir={folder}"):
        options.add_argument(f"--{switch}")
    driver = webdriver.Chrome(options, Service(shutil.which("chromedriver")))
    try:
        page = Page(driver)
        page.resize(width)
        page.set_scheme("light")
        yield page
    finally:
        driver.quit()
