"""The pages for frontends and for apps, word for word, beside a demo; and the mobile client's own program."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.examples.conftest import ROOT, Demo
from tests.examples.written import Step, follow, steps

pytestmark = pytest.mark.long

CLIENT = ROOT / "examples" / "mobile"
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
needs_packages = pytest.mark.skipif(
    shutil.which("node") is None or not (CLIENT / "node_modules" / "ready").exists(),
    reason="node is missing, or what it needs (see SUITES in the Makefile)",
)
INSTALLED = Step('npm() { [ "$1" = ci ] || command npm "$@"; }')
"""What `npm ci` gets is there: the Makefile has typed it."""


def desk(folder: Path) -> Path:
    """A folder that looks like the repository, in which can be written."""
    folder.mkdir(exist_ok=True)
    for name in ("schema", "docs"):
        (folder / name).symlink_to(ROOT / name)
    left_out = shutil.ignore_patterns("node_modules", "generated", "built")
    shutil.copytree(CLIENT, folder / "examples" / "mobile", ignore=left_out)
    (folder / "examples" / "storefront").symlink_to(ROOT / "examples" / "storefront")
    (folder / "examples" / "mobile" / "node_modules").symlink_to(CLIENT / "node_modules")
    return folder


@needs_curl
def test_what_the_page_for_frontends_says_to_type_answers_as_it_says(demo: Demo, tmp_path: Path) -> None:
    found = steps("frontend.md")
    node = [one for one in found if "npm" in one.typed]
    assert len(node) == 1 and node[0] in steps("mobile.md"), "it is typed by the test of that page"
    follow([one for one in found if one not in node], desk(tmp_path), demo.environment, demo.really)


def test_a_page_that_says_something_else_than_comes_back_is_seen(tmp_path: Path) -> None:
    good, wrong = Step("echo 12 cats", "… cats"), Step("echo 12 cats", "13 cats")
    follow([good], tmp_path, os.environ, {})
    for bad in (wrong, Step("false")):
        with pytest.raises(AssertionError):
            follow([good, bad], tmp_path, os.environ, {})


@needs_packages
def test_what_the_page_for_apps_says_to_type_answers_as_it_says(demo: Demo, tmp_path: Path) -> None:
    really = {**demo.really, "sqlite:///.demo": f"sqlite:///{demo.folder / 'state'}"}
    follow([INSTALLED, *steps("mobile.md")], desk(tmp_path), demo.environment, really)
