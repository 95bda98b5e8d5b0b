"""The documentation pages for frontends and apps, run word for word beside a demo; the mobile example."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.examples.conftest import ROOT, Demo
from tests.examples.documentation_shell import DOCS, Step, follow, parse_steps

pytestmark = pytest.mark.long

CLIENT, FRONTEND, REACT = (ROOT / "examples" / name for name in ("mobile", "frontend", "react"))
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def require_packages(folder: Path) -> pytest.MarkDecorator:
    """Skip a test without Node or the packages of this folder."""
    return pytest.mark.skipif(
        shutil.which("node") is None or not (folder / "node_modules" / "ready").exists(),
        reason="node is missing, or what it needs (see SUITES in the Makefile)",
    )


INSTALLED = Step('npm() { [ "$1" = ci ] || command npm "$@"; }')
"""`npm ci` has been run, by the Makefile."""


def link_repository(folder: Path) -> Path:
    """Create a writable folder that looks like the repository."""
    folder.mkdir(exist_ok=True)
    for name in ("schema", "docs"):
        (folder / name).symlink_to(ROOT / name)
    left_out = shutil.ignore_patterns("node_modules", "generated", "built", "dist")
    for project in (CLIENT, FRONTEND, REACT):
        copy = Path(shutil.copytree(project, folder / project.relative_to(ROOT), ignore=left_out))
        (copy / "node_modules").symlink_to(project / "node_modules")
    (folder / "examples" / "storefront").symlink_to(ROOT / "examples" / "storefront")
    return folder


def is_for_node(step: Step) -> bool:
    return "npm" in step.typed


@needs_curl
def test_what_the_page_for_frontends_says_to_type_answers_as_it_says(demo: Demo, tmp_path: Path) -> None:
    steps = [step for step in parse_steps("frontend.md") if not is_for_node(step)]
    follow(steps, link_repository(tmp_path), demo.environment, {})


@require_packages(REACT)
@require_packages(FRONTEND)
def test_types_are_generated_from_the_gateway_and_the_list_grows_as_the_page_says(demo: Demo, tmp_path: Path) -> None:
    steps = [step for step in parse_steps("frontend.md") if is_for_node(step)]
    assert len(steps) == 3
    folder = link_repository(tmp_path)
    follow([INSTALLED, *steps], folder, demo.environment, {})
    types = (folder / "examples" / "frontend" / "generated" / "graphql.ts").read_text(encoding="utf-8")
    assert "Decimal: { input: `${number}`; output: `${number}`; }" in types and "'%future added value'" in types


@require_packages(REACT)
def test_what_the_react_example_says_to_type_works(demo: Demo, tmp_path: Path) -> None:
    steps = parse_steps("../examples/react/README.md")
    assert len(steps) == 2
    follow([INSTALLED, *steps], link_repository(tmp_path), demo.environment, {})


def test_the_page_shows_the_example_as_it_is() -> None:
    page = (DOCS / "frontend.md").read_text(encoding="utf-8")
    _, config, *parts = re.findall(r"^```ts\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert config == (FRONTEND / "codegen.ts").read_text(encoding="utf-8")
    catalog = {line.strip() for line in (FRONTEND / "src" / "catalog.ts").read_text(encoding="utf-8").splitlines()}
    assert len(parts) == 2 and {line.strip() for part in parts for line in part.splitlines()} - catalog == set()


CARELESS = {
    "a value that was not known": ("    default: // FAILED, and what is added after this", '    case "FAILED": //'),
    "no price": ('  if (!priceRange?.min) return "no price";', ""),
}


@require_packages(FRONTEND)
@pytest.mark.parametrize("name", CARELESS)
def test_the_proof_a_program_that_forgets_a_case_does_not_build(demo: Demo, tmp_path: Path, name: str) -> None:
    project = link_repository(tmp_path) / "examples" / "frontend"
    source = project / "src" / "catalog.ts"
    careful, careless = CARELESS[name]
    text = source.read_text(encoding="utf-8")
    assert careful in text
    source.write_text(text.replace(careful, careless), encoding="utf-8")
    built = subprocess.run(("npm", "run", "build"), cwd=project, env=demo.environment, capture_output=True, text=True)
    assert built.returncode != 0 and "src/catalog.ts" in built.stdout


def list_fixed_ports(text: str) -> list[str]:
    """List the commands of a page that name a port of the demo instead of taking PORT."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = (line.partition("  # ")[0] for block in blocks for line in block.splitlines())
    return [line for line in lines if re.search(r":800[01]\b", line)]


def test_every_command_takes_the_port_of_the_demo() -> None:
    pages = [ROOT / "README.md", REACT / "README.md", *DOCS.rglob("*.md")]
    texts = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in pages}
    assert {name: found for name, text in texts.items() if (found := list_fixed_ports(text))} == {}
    assert list_fixed_ports(texts["docs/frontend.md"].replace("${PORT:-8000}", "8000")), "the proof"


def test_a_page_that_says_something_else_than_comes_back_is_seen(tmp_path: Path) -> None:
    good, wrong = Step("echo 12 cats", "… cats"), Step("echo 12 cats", "13 cats")
    follow([good], tmp_path, os.environ, {})
    for bad in (wrong, Step("false")):
        with pytest.raises(AssertionError):
            follow([good, bad], tmp_path, os.environ, {})


@require_packages(CLIENT)
def test_what_the_page_for_apps_says_to_type_answers_as_it_says(demo: Demo, tmp_path: Path) -> None:
    really = {"sqlite:///.demo": f"sqlite:///{demo.folder / 'state'}"}
    follow([INSTALLED, *parse_steps("mobile.md")], link_repository(tmp_path), demo.environment, really)
