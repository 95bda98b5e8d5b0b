"""Grades of products for queries, by the rule of `README.md`, and the measure of an order."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.judged_search.words import find_thing, normalize_word, split_title

DEPTH = 10


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query and what is wanted. `wanted`: words, the thing last; of a beginning or a code, that itself last."""

    number: int
    kind: str
    text: str
    wanted: tuple[str, ...]
    is_held_out: bool


@dataclass(frozen=True, slots=True)
class Title:
    """The title of a product, prepared for grading."""

    code: str
    words: frozenset[str]
    thing: str | None


def prepare_title(code: str, title: str) -> Title:
    thing = find_thing(title)
    words = frozenset(map(normalize_word, split_title(title)))
    return Title(code, words, None if thing is None else normalize_word(thing))


def judge_title(query: JudgedQuery, title: Title) -> int:
    """Grade a product for a query: 0 to 3."""
    if query.kind == "code":
        return _judge_code(query.wanted[-1], title.code)
    modifiers = query.wanted[:-1]
    is_thing = _is_thing(query, title.thing)
    has_thing = any(_is_thing(query, word) for word in title.words)
    missing = sum(normalize_word(word) not in title.words for word in modifiers)
    if has_thing and not missing:
        return 3 if is_thing else 2
    return 1 if is_thing and missing == 1 and len(modifiers) >= 2 else 0


def _is_thing(query: JudgedQuery, word: str | None) -> bool:
    thing = query.wanted[-1]
    if word is None:
        return False
    return word.startswith(thing) if query.kind == "beginning" else word == normalize_word(thing)


def _judge_code(wanted: str, code: str) -> int:
    if code.casefold() == wanted.casefold():
        return 3
    return 1 if _get_digits(wanted) == _get_digits(code) else 0


def _get_digits(code: str) -> str:
    return re.sub("[^0-9].*", "", code)


def score_order(query: JudgedQuery, codes: Sequence[str], titles: Mapping[str, Title]) -> float:
    """Score the order of a search's results: nDCG@10."""
    best = sorted((judge_title(query, title) for title in titles.values()), reverse=True)
    ideal = _sum_gains(best)
    score: float = _sum_gains([judge_title(query, titles[code]) for code in codes]) / ideal
    return score


def _sum_gains(grades: Sequence[int]) -> float:
    return sum(float(2**grade - 1) / math.log2(rank + 2) for rank, grade in enumerate(grades[:DEPTH]))
