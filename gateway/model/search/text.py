"""Search text: splits texts into folded words, in scripts with and without spaces between words (rule T2).

A script without spaces is indexed by pairs of characters (bigrams), which overlap: 宇治抹茶 as 宇治, 治抹, 抹茶, 茶.
Every character begins one of them, so that a search for a single character finds it as a prefix.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby

from gateway.model.validation import fold

_LETTERS = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "\u0131": "i",
        "æ": "ae",
        "œ": "oe",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "ŧ": "t",
        "ŋ": "n",
    }
)
"""Latin letters that Unicode does not decompose, as they are typed without them."""

_WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese characters."""


def split_words(value: str) -> list[str]:
    """Split a text into the words that are indexed."""
    return [word for run in split_runs(value) for word in _list_indexed(run)]


def split_search_words(value: str) -> list[str]:
    """Split a search text into the words that a text must have, the last one as a prefix."""
    return [word for run in split_runs(value) for word in (_list_bigrams(run) if has_no_spaces(run) else [run])]


def split_runs(value: str) -> list[str]:
    """Split a text at every character except letters, digits and vowel signs, and where the script changes."""
    return list(_split_folded(value))


def _split_folded(value: str) -> Iterator[str]:
    folded = fold(value)
    if folded.isascii():
        yield from re.findall("[a-z0-9]+", folded)
        return
    folded = fold(folded.translate(_LETTERS))
    for is_part, characters in groupby(folded, _is_part):
        if is_part:
            for _, run in groupby(characters, has_no_spaces):
                yield "".join(run)


def _is_part(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character) in ("Mn", "Mc")


def has_no_spaces(run: str) -> bool:
    """Return whether a text begins with a character of a script without spaces between words."""
    return _WITHOUT_SPACES.match(run) is not None


def _list_indexed(run: str) -> list[str]:
    return [*_list_bigrams(run), run[-1]] if has_no_spaces(run) and len(run) > 1 else [run]


def _list_bigrams(run: str) -> list[str]:
    return [run] if len(run) < 2 else [run[at : at + 2] for at in range(len(run) - 1)]
