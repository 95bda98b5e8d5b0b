"""The figures hold, and each check sees what it is there to find."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house import names, prose, structure
from tests.house.figures import measure
from tests.house.source import Module

ROOT = Path(__file__).parents[2]


def build_module(text: str, path: str = "gateway/commerce/a.py") -> Module:
    """Build a module with this text."""
    return Module(path, path.removesuffix(".py").replace("/", "."), text)


@pytest.mark.torture  # `make check` runs `make house`
def test_all_figures_are_within_their_limits() -> None:
    assert [(figure.name, figure.value, *figure.findings[:5]) for figure in measure(ROOT) if not figure.holds] == []


@pytest.mark.parametrize("name", ["told", "_known", "reservations", "offered"])
def test_a_function_without_a_verb_is_found(name: str) -> None:
    assert list(names.find_functions_without_verb(build_module(f"def {name}(): ...")))


@pytest.mark.parametrize("name", ["release_reservations", "is_open", "_find_row", "__init__"])
def test_a_function_with_a_verb_is_not_found(name: str) -> None:
    assert not list(names.find_functions_without_verb(build_module(f"def {name}(): ...")))


def test_a_renamed_import_is_found() -> None:
    module = build_module("from gateway.storage import outbox as stored\nfrom hypothesis import strategies as st")
    assert [finding.rpartition(" ")[2] for finding in names.find_renamed_imports(module)] == ["stored"]


@pytest.mark.parametrize("text", ["def f(place): ...", "turn = 1", "class Gate: ...", "def find_spot(): ..."])
def test_a_banned_identifier_is_found(text: str) -> None:
    assert list(names.find_banned_identifiers(build_module(text), ["place", "turn", "gate", "spot"]))


@pytest.mark.parametrize(
    "text", ["class Row:\n    place: str", "def place_order(): ...", "def resolve_order_place(): 1"]
)
def test_a_contract_name_is_no_banned_identifier(text: str) -> None:
    assert not list(names.find_banned_identifiers(build_module(text), ["place"]))


@pytest.mark.parametrize(
    "line", ["# nobody asks", "TOLD = 1", "class OneWish: ...", "def is_told(): ...", '"She pays."']
)
def test_a_banned_word_is_found(line: str) -> None:
    assert list(prose.find_banned_words("gateway/a.py", line, ["nobody", "told", "wish", "she"]))


@pytest.mark.parametrize("line", ["# push the shelf", "fresh = other", "https://example.org/wish"])
def test_a_longer_word_is_no_banned_word(line: str) -> None:
    assert not list(prose.find_banned_words("gateway/a.py", line, ["she", "her", "wish"]))


def test_a_citation_of_an_unknown_rule_is_found() -> None:
    text = "Closes by proof (rule K3), or never (rules K3, Z9)."
    assert list(prose.find_unresolved_citations("a.py", text, frozenset({"k3"}))) == ["a.py:1 rule Z9"]


def test_every_citation_of_the_product_resolves() -> None:
    anchors = prose.read_anchors(ROOT)
    assert len(anchors) > 30
    cited = {path.name for path in prose.list_files(ROOT) if prose.CITATION.search(path.read_text(encoding="utf-8"))}
    assert len(cited) > 20


def test_an_import_circle_is_found() -> None:
    assert structure.find_circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [["b", "c"]]


def test_an_untyped_function_and_a_missing_docstring_are_found() -> None:
    module = build_module("def find_row(key): ...", "gateway/sdk/a.py")
    assert list(structure.find_untyped(module)) and list(structure.find_undocumented(module))
