"""How many entries of the connection inside are asked for with every record of a page.

A page may cost so much at most, whatever it holds in the end: asked for few entries it has room for many records, but
every record with more of them costs a question of its own. So the number follows what the shop's records are like.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from gateway_shopify.answers import mapping
from gateway_shopify.operations import PAGE_COST, Kind

SEEN = 500
"""So many records tell what the others are like."""


class Width:
    """How wide and how long the pages of one feed are. Wide at first: nothing is known of the shop yet."""

    def __init__(self, kind: Kind) -> None:
        self._kind, self._entries = kind, kind.entries
        self._seen: deque[int] = deque(maxlen=SEEN)

    @property
    def variables(self) -> Mapping[str, int]:
        """What the next page is asked with."""
        inside = {"inside": self._entries} if self._kind.inside else {}
        return {"first": self._kind.records(self._entries), **inside}

    def learn(self, records: Iterable[Any]) -> None:
        """These records, complete, are some of the shop's."""
        found = (mapping(mapping(record).get(self._kind.inside)).get("nodes") for record in records)
        self._seen.extend(len(entries) for entries in found if isinstance(entries, list))
        if self._seen:
            self._entries = min(range(1, self._kind.entries + 1), key=self._questions)

    def _questions(self, entries: int) -> float:
        """How many there are for each record: its part of a page, and its own if it has more entries."""
        more = sum(count > entries for count in self._seen) / len(self._seen)
        return self._kind.each(entries) / PAGE_COST + more
