"""The figures that the code base is held to, with their limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.house import names, prose, structure
from tests.house.source import PRODUCT, Module, read_modules
from tests.test_imports import list_forbidden_imports

OTHER = "everything else"
WITHOUT_VERB = {"gateway": 0, "plugins": 0, "tests": 0, OTHER: 0}
BANNED_WORDS = {"gateway": 0, "plugins": 0, "tests": 0, OTHER: 0}


@dataclass(frozen=True)
class Figure:
    """A measured value, the limit it must not exceed, and what it consists of.

    Attributes:
        goal: the value to reach, where the limit only keeps it from getting worse.
    """

    name: str
    value: int
    limit: int
    findings: Sequence[str] = ()
    goal: int | None = None

    @property
    def holds(self) -> bool:
        """Whether the value is within its limit."""
        return self.value <= self.limit


def measure(root: Path) -> list[Figure]:
    """Measure everything in the tree."""
    modules = read_modules(root)
    product = [module for module in modules if module.path.startswith(PRODUCT)]
    return [
        *_measure_sizes(product),
        *_measure_structure(root, modules, product),
        *_measure_names(modules),
        *_measure_prose(root, modules),
    ]


def _measure_sizes(product: Sequence[Module]) -> list[Figure]:
    gateway = [module for module in product if module.path.startswith("gateway/")]
    files, _ = structure.measure_sizes(gateway)
    _, functions = structure.measure_sizes(product)
    folder, modules = structure.count_modules(product).most_common(1)[0]
    return [
        Figure("modules in a folder, most", modules, 25, [folder]),
        Figure("lines of a file, median", structure.pick_quantile(files, 0.5), 93, goal=87),
        Figure("lines of a file, 90th percentile", structure.pick_quantile(files, 0.9), 256),
        Figure("lines of a function, median", structure.pick_quantile(functions, 0.5), 6, goal=5),
        Figure("lines of a function, 90th percentile", structure.pick_quantile(functions, 0.9), 15, goal=14),
        Figure("lines of a function, 99th percentile", structure.pick_quantile(functions, 0.99), 27, goal=26),
    ]


def _measure_structure(root: Path, modules: Sequence[Module], product: Sequence[Module]) -> list[Figure]:
    documented = [module for module in product if module.path.startswith(("gateway/sdk/", "gateway/model/"))]
    circles = [" ↔ ".join(circle) for circle in structure.find_circles(structure.read_imports(product))]
    return [
        _list_figure("functions without complete types", [x for m in modules for x in structure.find_untyped(m)]),
        _list_figure(
            "sdk and model without docstring", [x for m in documented for x in structure.find_undocumented(m)]
        ),
        _list_figure("import circles", circles),
        _list_figure("upward arrows", list_forbidden_imports(root)),
    ]


def _measure_names(modules: Sequence[Module]) -> list[Figure]:
    renamed = [finding for module in modules for finding in names.find_renamed_imports(module)]
    without_verb = [finding for module in modules for finding in names.find_functions_without_verb(module)]
    return [
        Figure("first-party imports renamed with as", len(renamed), 14, renamed),
        *_split_figure("functions without verb", without_verb, WITHOUT_VERB),
    ]


def _measure_prose(root: Path, modules: Sequence[Module]) -> list[Figure]:
    glossary, anchors = prose.read_glossary(root), prose.read_anchors(root)
    banned: list[str] = []
    unresolved: list[str] = []
    for file in prose.list_files(root):
        path, text = file.relative_to(root).as_posix(), file.read_text(encoding="utf-8")
        if path not in prose.EXEMPT:
            unresolved += prose.find_unresolved_citations(path, text, anchors)
            banned += prose.find_banned_words(path, text, glossary.words)
    banned += [x for m in modules for x in names.find_banned_identifiers(m, glossary.identifiers)]
    return [
        *_split_figure("banned words", banned, BANNED_WORDS),
        _list_figure("unresolved citations of rules", unresolved),
    ]


def _split_figure(name: str, findings: Sequence[str], limits: Mapping[str, int]) -> list[Figure]:
    """Give each part of the project its own limit; the last one is for everything else."""
    by_part: dict[str, list[str]] = {part: [] for part in limits}
    for finding in findings:
        part = finding.partition("/")[0]
        by_part[part if part in by_part else OTHER].append(finding)
    return [Figure(f"{name}, {part}", len(by_part[part]), limit, by_part[part]) for part, limit in limits.items()]


def _list_figure(name: str, findings: list[str]) -> Figure:
    return Figure(name, len(findings), 0, findings)
