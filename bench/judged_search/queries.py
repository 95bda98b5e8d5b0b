"""The generator of the queries, by the rule of `README.md`."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from bench.judged_search.grades import JudgedQuery
from bench.judged_search.words import SYNONYMS, find_thing, list_modifiers, normalize_word, split_title
from examples.demo import retail, world

SEED = 20101201
NUMBERS: Mapping[str, int] = {
    "thing": 25,
    "modifier": 50,
    "modifiers": 30,
    "order": 15,
    "number": 15,
    "typo": 30,
    "beginning": 15,
    "synonym": 10,
    "code": 10,
}
HELD_OUT = 3
"""Every third query of a kind is held out."""

MIN_TYPO_LENGTH = 5
MIN_BEGINNING = 3
FILE = Path(__file__).parent / "queries.tsv"
DATA = Path(__file__).parents[2] / "examples/demo/data/online-retail-2010-12.csv.gz"

Draft = tuple[str, tuple[str, ...]]
"""The text of a query, and the words that are wanted."""


def load_titles() -> dict[str, str]:
    """Load the titles of the demo's goods, by code."""
    goods = world.build_products(retail.read_receipts(DATA))
    return {product.sku: product.title for product in goods if world.is_goods(product.sku)}


def generate_queries(titles: Mapping[str, str]) -> list[JudgedQuery]:
    """Generate the queries; always the same ones for the same titles."""
    generator = QueryGenerator(titles)
    drafts = [(kind, index, draft) for kind in NUMBERS for index, draft in enumerate(generator.generate(kind))]
    return [
        JudgedQuery(number, kind, *draft, index % HELD_OUT == 1)
        for number, (kind, index, draft) in enumerate(drafts, start=1)
    ]


class QueryGenerator:
    """Generates queries from titles at random, no text twice."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._titles = titles
        self._random = random.Random(SEED)
        self._codes = sorted(titles)
        self._words = {word for title in titles.values() for word in split_title(title)}
        self._adjacent = {pair for title in titles.values() for pair in _pair_words(split_title(title))}
        self._seen: set[str] = set()

    def generate(self, kind: str) -> Iterator[Draft]:
        """Generate the queries of a kind."""
        number = NUMBERS[kind]
        while number:
            code = self._random.choice(self._codes)
            draft = (code, (code,)) if kind == "code" else self._propose(kind, self._titles[code])
            if draft is not None and draft[0] not in self._seen:
                self._seen.add(draft[0])
                number -= 1
                yield draft

    def _propose(self, kind: str, title: str) -> Draft | None:
        thing, modifiers = find_thing(title), list_modifiers(title)
        needed = {"thing": 0, "modifiers": 2}.get(kind, 1)
        if thing is None or len(modifiers) < needed:
            return None
        chosen = self._random.sample(modifiers, needed)
        build: Mapping[str, Callable[[list[str], str], Draft | None]] = {
            "order": self._propose_order,
            "number": self._propose_number,
            "typo": self._propose_typo,
            "beginning": self._propose_beginning,
            "synonym": self._propose_synonym,
        }
        return build.get(kind, _propose_words)(chosen, thing)

    def _propose_order(self, modifiers: list[str], thing: str) -> Draft | None:
        if (thing, modifiers[0]) in self._adjacent:
            return None
        return f"{thing} {modifiers[0]}", (*modifiers, thing)

    def _propose_number(self, modifiers: list[str], thing: str) -> Draft | None:
        singular = normalize_word(thing)
        other = singular if singular != thing else _make_plural(thing)
        return " ".join((*modifiers, other)), (*modifiers, thing)

    def _propose_typo(self, modifiers: list[str], thing: str) -> Draft | None:
        words = [*modifiers, thing]
        long = [index for index, word in enumerate(words) if len(word) >= MIN_TYPO_LENGTH]
        if not long:
            return None
        index = self._random.choice(long)
        mistyped = self._change_letter(words[index])
        if mistyped in self._words:
            return None
        return " ".join((*words[:index], mistyped, *words[index + 1 :])), (*modifiers, thing)

    def _change_letter(self, word: str) -> str:
        at, letter = self._random.randrange(len(word) - 1), self._random.choice(string.ascii_lowercase)
        results = (
            word[:at] + letter + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        )
        return self._random.choice(results)

    def _propose_beginning(self, modifiers: list[str], thing: str) -> Draft | None:
        beginning = thing[: max(MIN_BEGINNING, len(thing) // 2 + 1)]
        return None if beginning == thing else (" ".join((*modifiers, beginning)), (*modifiers, beginning))

    def _propose_synonym(self, modifiers: list[str], thing: str) -> Draft | None:
        others = {group[0]: group[1] for group in SYNONYMS}
        other = others.get(normalize_word(thing))
        return None if other is None else (" ".join((*modifiers, other)), (*modifiers, thing))


def _propose_words(modifiers: list[str], thing: str) -> Draft:
    return " ".join((*modifiers, thing)), (*modifiers, thing)


def _pair_words(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    return pairwise(words)


def _make_plural(word: str) -> str:
    return f"{word}es" if word.endswith(("ch", "sh", "ss", "x", "z")) else f"{word}s"


def render_queries(queries: Sequence[JudgedQuery]) -> str:
    """Render the queries as they are stored, one line each."""
    rows = [("number", "kind", "set", "query", "wanted")]
    for query in queries:
        set_name = "held out" if query.is_held_out else "tuning"
        rows.append((str(query.number), query.kind, set_name, query.text, " ".join(query.wanted)))
    return "".join("\t".join(row) + "\n" for row in rows)
