"""The words of titles, by the rule of `README.md`."""

from __future__ import annotations

import re
from pathlib import Path

_FOLDER = Path(__file__).parent

THINGS = frozenset((_FOLDER / "things.txt").read_text(encoding="utf-8").split())
"""Words that name a thing, not what it looks like or is made of."""

FILLERS = frozenset((_FOLDER / "fillers.txt").read_text(encoding="utf-8").split())
"""Words that say nothing about a product."""

CUTS = frozenset({"with", "w", "in", "for", "on"})
SYNONYMS = [line.split() for line in (_FOLDER / "synonyms.txt").read_text(encoding="utf-8").splitlines()]
"""Configured as synonyms, the word of the titles first."""

_FIRST = {word: group[0] for group in SYNONYMS for word in group}


def split_title(title: str) -> list[str]:
    """Split a title into its words, as they are written."""
    return re.findall("[a-z0-9]+", title.lower())


def normalize_word(word: str) -> str:
    """Return the word that stands for this one: singular, and the first one of its synonyms."""
    singular = _make_singular(word)
    return _FIRST.get(singular, singular)


def _make_singular(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith("ss"):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("ches", "shes", "sses", "xes", "zes")) else word[:-1]


def find_thing(title: str) -> str | None:
    """Find the thing that a title names, as it is written."""
    words = split_title(title)
    cut = next((index for index, word in enumerate(words) if word in CUTS), len(words))
    for part in (words[:cut], words):
        things = [word for word in part if normalize_word(word) in THINGS]
        if things:
            return things[-1]
    return None


def list_modifiers(title: str) -> list[str]:
    """List the other words of a title that a client may search for."""
    words = dict.fromkeys(split_title(title))
    return [word for word in words if len(word) >= 3 and word.isalpha() and not _is_reserved(word)]


def _is_reserved(word: str) -> bool:
    return word in FILLERS or word in CUTS or normalize_word(word) in THINGS
