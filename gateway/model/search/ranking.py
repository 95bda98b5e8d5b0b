"""Search ranking: how much a product is about each of its words (rule T4).

It is BM25F with fixed average lengths, rounded to whole numbers when the product is stored: a product has the same
ranks on both databases, whatever the other products are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.model.search.text import split_words

MAX_POINTS = 1_000
MAX_INDEXED_LENGTH = 40
"""Words are indexed up to this length, in characters."""


@dataclass(frozen=True, slots=True, eq=False)
class SearchField:
    """A field of a product that is searched.

    Attributes:
        weight: how much a word in it counts.
        average: its usual number of words; a word counts less in a longer text.
        longest: how many words of it are indexed.
    """

    weight: float
    average: float
    longest: int


TITLE = SearchField(weight=10, average=5, longest=200)
BRAND = SearchField(weight=5, average=1.5, longest=50)
OPTIONS = SearchField(weight=4, average=4, longest=500)
CATEGORY = SearchField(weight=3, average=3, longest=50)
TAGS = SearchField(weight=3, average=5, longest=500)
DESCRIPTION = SearchField(weight=1, average=60, longest=100)

_LENGTH_SHARE = 0.75
"""How much of a word's weight depends on the length of the text (the b of BM25)."""

_SATURATION = 8.0
"""The weight with which a word has half of all points (the k1 of BM25)."""


MAX_REPEATED_LENGTH = 60
"""Texts up to this length that are no titles occur again: brands, categories, tags and options."""


def rank_words(texts: Iterable[tuple[SearchField, str]]) -> Mapping[str, int]:
    """Rank the words of a product's texts, from 0 (the product is about nothing else) to 999."""
    weights: dict[str, float] = {}
    for field, text in texts:
        if text:
            is_repeated = field is not TITLE and len(text) <= MAX_REPEATED_LENGTH
            words, weight = _split_once(field, text) if is_repeated else _split_text(field, text)
            for word in words:
                weights[word] = weights.get(word, 0.0) + weight
    return {word: _compute_rank(weight) for word, weight in weights.items()}


def _split_text(field: SearchField, text: str) -> tuple[Sequence[str], float]:
    """Split a text into the words that are indexed, and compute what each of them counts."""
    words = split_words(text)[: field.longest]
    weight = field.weight / (1 - _LENGTH_SHARE + _LENGTH_SHARE * len(words) / field.average)
    return [word[:MAX_INDEXED_LENGTH] for word in words], weight


_split_once = lru_cache(10_000)(_split_text)


def _compute_rank(weight: float) -> int:
    return MAX_POINTS - max(1, round(MAX_POINTS * weight / (weight + _SATURATION)))
