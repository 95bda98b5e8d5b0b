"""Checks of prose: banned words and citations of rules. Both lists are data in docs/."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROSE = (".md", ".py", ".toml", ".graphql", ".html", ".js", ".mjs", ".ts", ".yml", ".yaml")
SKIPPED = {
    "0.1.0",
    "node_modules",
    "dist",
    "__pycache__",
    ".venv",
    ".git",
    ".demo",
    "site",
    "generated",
    "__generated__",
}
EXEMPT = ("docs/glossary.md", "CHANGELOG.md", "tests/house/test_figures.py")
"""Files that quote banned words or old names."""

_HERE = Path(__file__).parent
EXEMPT_LINES = [line.split(" ", 1) for line in (_HERE / "exempt_lines.txt").read_text(encoding="utf-8").splitlines()]
"""Lines that hold stored values, columns or old configuration keys: path, and a part of the line."""

CITATION = re.compile(r"\(rules? ([A-Z]\d+(?:, [A-Z]\d+)*)\)|\brules? ([A-Z]\d+)\b")
ANCHOR = re.compile(r"^#+ .*\{ ?#([a-z]\d+) ?\}|<a id=\"([a-z]\d+)\"></a>", re.MULTILINE)


@dataclass(frozen=True)
class Glossary:
    """The banned words of docs/glossary.md: in all text, and in identifiers only."""

    words: Sequence[str]
    identifiers: Sequence[str]


def read_glossary(root: Path) -> Glossary:
    """Read the two lists of banned words."""
    text = (root / "docs" / "glossary.md").read_text(encoding="utf-8")
    return Glossary(_read_list(text, "Banned words"), _read_list(text, "Banned identifiers"))


def _read_list(text: str, heading: str) -> list[str]:
    section = text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `([\w' ]+)` \|", section, re.MULTILINE)


def list_files(root: Path) -> Iterator[Path]:
    """List the project's text files."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(PROSE))


def find_banned_words(path: str, text: str, words: Sequence[str]) -> Iterator[str]:
    """List the lines of a text that contain a banned word, also as a part of an identifier."""
    letters, banned = re.compile("|".join(words), re.IGNORECASE), _compile_banned(tuple(words))
    exempt = [part for file, part in EXEMPT_LINES if file == path]
    for number, line in enumerate(text.splitlines(), 1):
        if letters.search(line) is None or any(part in line for part in exempt):
            continue
        plain = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", re.sub(r"\w+://\S+", "", line))
        if (match := banned.search(plain)) is not None:
            yield f"{path}:{number} {match[0]!r}: {line.strip()[:100]}"


@cache
def _compile_banned(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z])(?:{'|'.join(words)})(?![a-z])", re.IGNORECASE)


def find_unresolved_citations(path: str, text: str, anchors: frozenset[str]) -> Iterator[str]:
    """List citations of rules that docs/rules.md does not define."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in CITATION.finditer(line):
            for rule in (match[1] or match[2]).split(", "):
                if rule.lower() not in anchors:
                    yield f"{path}:{number} rule {rule}"


def read_anchors(root: Path) -> frozenset[str]:
    """Read the anchors of docs/rules.md."""
    text = (root / "docs" / "rules.md").read_text(encoding="utf-8")
    return frozenset(anchor for groups in ANCHOR.findall(text) for anchor in groups if anchor)
