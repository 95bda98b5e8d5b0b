"""Names of generated people: made of syllables, or real ones by locale, if Faker is installed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from gateway.commerce.customers.recognition.given_names import normalize_given_name

SHORT_FORMS = {
    "robert": "bob",
    "william": "bill",
    "elizabeth": "liz",
    "katherine": "kate",
    "thomas": "tom",
    "james": "jim",
    "susan": "sue",
    "anthony": "tony",
}
LOCALES = ("en_GB", "en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "sv_SE", "pt_BR")


@dataclass(frozen=True, slots=True)
class NameList:
    """Given names and family names with their weights."""

    given: Sequence[str]
    family: Sequence[str]
    given_weights: Sequence[float]
    family_weights: Sequence[float]

    def pick_given(self, source: Random) -> str:
        return source.choices(self.given, self.given_weights)[0]

    def pick_family(self, source: Random) -> str:
        return source.choices(self.family, self.family_weights)[0]


def build_syllable_names(source: Random) -> NameList:
    """Build 400 given names and 4,000 family names, with few frequent ones and many rare ones (Zipf)."""
    given = [*SHORT_FORMS, *(_join_syllables(source, 2) + source.choice(("", "n", "s", "l")) for _ in range(392))]
    family = [_join_syllables(source, 3) for _ in range(4_000)]
    return NameList(given, family, _weigh(len(given), 8), _weigh(len(family), 30))


def _join_syllables(source: Random, count: int) -> str:
    return "".join(source.choice("bcdfghklmnprstvw") + source.choice("aeiou") for _ in range(count))


def _weigh(count: int, flatness: int) -> list[float]:
    return [1 / (rank + flatness) for rank in range(count)]


def load_real_names(locale: str) -> NameList | None:
    """Load the names of a locale with their frequencies. None: Faker is not installed."""
    try:
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    except ModuleNotFoundError:
        return None
    given, family = _read_weights(provider.first_names), _read_weights(provider.last_names)
    return NameList(list(given), list(family), list(given.values()), list(family.values()))


def _read_weights(names: object) -> Mapping[str, float]:
    """Read a list, or names with their frequencies."""
    weighted = names if isinstance(names, Mapping) else dict.fromkeys(list(names), 1.0)  # type: ignore[call-overload]
    result: dict[str, float] = {}
    for name, weight in weighted.items():
        if (folded := normalize_given_name(name)) is not None:
            result[folded] = result.get(folded, 0.0) + weight
    return result
