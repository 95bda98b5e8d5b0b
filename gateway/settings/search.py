"""The table `[search]` of the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, PrivateAttr, StringConstraints, model_validator

from gateway.model.search.terms import SynonymTable, build_synonym_table
from gateway.model.search.text import split_search_words
from gateway.settings.table import Table

MAX_GROUPS, MAX_PHRASE_WORDS = 2_000, 5
MAX_GROUP_SIZE = 12
"""A search of 32 terms with so many forms each is below the 500 parts of a statement of SQLite."""

SynonymGroup = Annotated[
    tuple[Annotated[str, StringConstraints(min_length=1, max_length=100)], ...], Field(max_length=MAX_GROUP_SIZE)
]


class SearchTable(Table):
    """`[search]`: how products are searched."""

    synonyms: Annotated[
        tuple[SynonymGroup, ...], Field(max_length=MAX_GROUPS)
    ] = ()  # groups of words that mean the same
    _table: SynonymTable = PrivateAttr(default_factory=dict)

    @property
    def synonym_table(self) -> SynonymTable:
        """The synonyms, as searches use them."""
        return self._table

    @model_validator(mode="after")
    def _check_synonyms(self) -> SearchTable:
        owners: dict[tuple[str, ...], int] = {}
        for number, group in enumerate(self.synonyms):
            phrases = [_split_phrase(number, text) for text in group]
            if len(phrases) < 2:
                raise ValueError(f"synonyms.{number}: expected at least two words that mean the same")
            for phrase, text in zip(phrases, group, strict=True):
                if owners.setdefault(phrase, number) != number or phrases.count(phrase) > 1:
                    raise ValueError(f"synonyms.{number}: {text!r} is there twice; write all its synonyms in one group")
        self._table = build_synonym_table(self.synonyms)
        return self


def _split_phrase(number: int, text: str) -> tuple[str, ...]:
    words: Sequence[str] = split_search_words(text)
    if not 1 <= len(words) <= MAX_PHRASE_WORDS:
        raise ValueError(f"synonyms.{number}: expected 1 to {MAX_PHRASE_WORDS} words, found {text!r}")
    return tuple(words)
