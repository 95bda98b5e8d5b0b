"""Given names as recognition compares them: folded, short forms as their full ones, initials (rule C3)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources

from gateway.model.search.word_edits import MIN_WORD_LENGTH, is_similar
from gateway.model.validation import fold

_WORD = re.compile(r"\w+")
_LETTERS_OF_WORDS = ("CJK", "HANGUL", "HIRAGANA", "KATAKANA")
"""Scripts in which one character can be a whole name."""


def fold_name(text: str | None) -> str | None:
    """Fold a name for comparison: case, accents, punctuation and spaces. None: nothing is left."""
    return " ".join(_WORD.findall(fold(text or ""))) or None


def normalize_given_name(text: str | None) -> str | None:
    """Return the form of a given name that is compared: a short form as its full one, without initials of other names.

    `Bob R.` is `robert`, `J. R.` is `j`, which is an initial; `Mary Ann` is not `Mary`. None: there is no name.
    """
    name = fold_name(text)
    if name is None:
        return None
    first, *others = name.split()
    return " ".join((_load_full_forms().get(first, first), *(word for word in others if not is_initial(word))))


def is_initial(name: str) -> bool:
    """Report whether a folded given name is an initial only."""
    return len(name) == 1 and not unicodedata.name(name, "").startswith(_LETTERS_OF_WORDS)


def are_similar(one: str, other: str) -> bool:
    """Report whether two given names differ by one letter: a reason for a review, and never for more."""
    return min(len(one), len(other)) >= MIN_WORD_LENGTH and is_similar(one, other)


@cache
def _load_full_forms() -> Mapping[str, str]:
    """Load the table of short forms: a full name and its short forms in each line."""
    text = resources.files(__package__).joinpath("nicknames.txt").read_text(encoding="utf-8")
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {short: full for full, *shorts in lines for short in shorts}
