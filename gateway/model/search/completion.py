"""Completion of a search text that is being typed, by words of titles (rule T7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from gateway.model.search.text import has_no_spaces, split_runs
from gateway.model.validation import fold

MAX_COMPLETIONS = 10
MIN_PAIR_TITLES = 2
"""Two adjacent words are suggested if so many titles have them."""


@dataclass(frozen=True, slots=True)
class TextRange:
    """A range of a text, in UTF-16 code units: those of JavaScript, Java and Swift."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Completion:
    """A text to search for. `matched`: the ranges of it that were typed."""

    text: str
    matched: Sequence[TextRange]


class TitleWord(NamedTuple):
    """A word of a title: as it is written, in lower case, and folded."""

    text: str
    folded: str


def complete_text(typed: str, titles: Iterable[str], corrections: Sequence[str] = ()) -> list[Completion]:
    """Complete the last word of a text by words of these titles, the most frequent first.

    A completion is one word of a title that begins as typed, also with its neighbor; the words before it stay.

    Args:
        corrections: folded words that may have been meant.
    """
    *whole, last = split_runs(typed) or [""]
    counts: Counter[tuple[str, ...]] = Counter()
    for title in titles:
        counts.update(set(_list_phrases(list_title_words(title), set(whole), (last, *corrections))))
    frequent = [(phrase, count) for phrase, count in counts.items() if len(phrase) == 1 or count >= MIN_PAIR_TITLES]
    ranked = sorted(frequent, key=lambda item: (-item[1], len(item[0]), item[0]))
    return [_build_completion([*whole, *phrase], [*whole, last]) for phrase, _ in ranked[:MAX_COMPLETIONS]]


@lru_cache(2_000)
def list_title_words(title: str) -> tuple[TitleWord, ...]:
    """List the words of a title. What is between letters and digits separates them.

    They are cached: while a text is being typed, many of its titles stay the same.
    """
    words, text = [], ""
    for character in f"{title} ":
        if character.isalnum() or (text and fold(f"{text}{character}") == fold(text) and not character.isspace()):
            text += character  # a mark above or below a letter belongs to it
        elif text:
            words.append(TitleWord(text.lower(), "".join(split_runs(text))))
            text = ""
    return tuple(words)


def _list_phrases(words: Sequence[TitleWord], whole: set[str], beginnings: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """List the words that begin as typed, and the pairs with a neighbor that was not typed."""
    for word in words:
        if _is_any_begun(word, beginnings) and word.folded not in whole:
            yield (word.text,)
    for one, other in pairwise(words):
        if one.folded in whole or other.folded in whole or one.folded == other.folded:
            continue
        if _is_any_begun(one, beginnings) or _is_any_begun(other, beginnings):
            yield one.text, other.text


def _is_any_begun(word: TitleWord, beginnings: Sequence[str]) -> bool:
    return any(is_begun(word.folded, beginning) for beginning in beginnings)


def is_begun(word: str, typed: str) -> bool:
    """Return whether a folded word begins as typed or, in a script without spaces, has it anywhere."""
    return typed in word if has_no_spaces(typed) else word.startswith(typed)


def _build_completion(words: Sequence[str], typed: Sequence[str]) -> Completion:
    text, ranges, start = " ".join(words), [], 0
    for word in words:
        matched = _match_word(word, typed)
        if matched is not None:
            ranges.append(TextRange(start + matched.start, start + matched.end))
        start += _count_units(word) + 1
    return Completion(text, ranges)


def _match_word(word: str, typed: Sequence[str]) -> TextRange | None:
    """Find the range of a word that was typed."""
    folded = "".join(split_runs(word))
    part = next((part for part in reversed(typed) if is_begun(folded, part)), None)
    if part is None:
        return None
    before = folded.index(part)
    start, end = _find_end(word, before), _find_end(word, before + len(part))
    return TextRange(_count_units(word[:start]), _count_units(word[:end]))


def _find_end(word: str, length: int) -> int:
    """Find where the first characters of a word end that make up so many folded ones."""
    if word.isascii() and word.isalnum():  # each makes up one
        return min(length, len(word))
    for end in range(len(word) + 1):
        if len("".join(split_runs(word[:end]))) >= length:
            return end
    return len(word)


def _count_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
