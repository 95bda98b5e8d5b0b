"""Search terms: the parts of a search text, with the words that a product may have instead (rules T2, T6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.model.search.text import split_search_words

Phrase = tuple[str, ...]
"""Folded words."""

SynonymTable = Mapping[str, Sequence[tuple[Phrase, tuple[Phrase, ...]]]]
"""Phrases with their synonyms, the longest first, by their first word."""

MIN_PLURAL_LENGTH = 3


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """A part of a search text that a product must have.

    Attributes:
        phrase: its words; one, unless several have a synonym.
        is_prefix: its last word may be the beginning of a longer one.
        synonyms: phrases that a product may have instead.
        similar: words that differ by one letter, which a product may have instead (rule T5).
    """

    phrase: Phrase
    is_prefix: bool = False
    synonyms: tuple[Phrase, ...] = ()
    similar: tuple[str, ...] = ()


def build_synonym_table(groups: Iterable[Sequence[str]]) -> SynonymTable:
    """Build the table of synonyms from groups of texts that mean the same."""
    table: dict[str, list[tuple[Phrase, tuple[Phrase, ...]]]] = {}
    for group in groups:
        phrases = [phrase for text in group if (phrase := tuple(split_search_words(text)))]
        for phrase in phrases:
            others = tuple(other for other in phrases if other != phrase)
            table.setdefault(phrase[0], []).append((phrase, others))
    return {first: sorted(entries, key=lambda entry: -len(entry[0])) for first, entries in table.items()}


def build_terms(words: Sequence[str], synonyms: SynonymTable) -> tuple[SearchTerm, ...]:
    """Build the terms of a search text from its words; the last one is a prefix."""
    return tuple(_cut_terms(tuple(words), synonyms))


def _cut_terms(words: Phrase, synonyms: SynonymTable) -> Iterator[SearchTerm]:
    start = 0
    while start < len(words):
        phrase, others = _find_synonyms(words[start:], synonyms)
        start += len(phrase)
        yield SearchTerm(phrase, is_prefix=start == len(words), synonyms=others)


def _find_synonyms(words: Phrase, synonyms: SynonymTable) -> tuple[Phrase, tuple[Phrase, ...]]:
    """Find the longest phrase with synonyms that the words begin with; without one, it is the first word."""
    for phrase, others in synonyms.get(words[0], ()):
        if words[: len(phrase)] == phrase:
            return phrase, others
    return words[:1], ()


def swap_plural(word: str) -> str | None:
    """Return a word without the s at its end, or with one; None: it has no other form."""
    if len(word) < MIN_PLURAL_LENGTH or not (word.isascii() and word.isalpha()):
        return None
    if not word.endswith("s"):
        return f"{word}s"
    return None if word.endswith("ss") or len(word) == MIN_PLURAL_LENGTH else word[:-1]
