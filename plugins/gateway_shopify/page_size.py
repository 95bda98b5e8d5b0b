"""Number of nested entries to request with every record of a page.

The cost of a page is limited. With fewer nested entries a page has room for more records, but every record with more
entries needs a request of its own. The number is optimized for a sample of the shop's records.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from gateway_shopify.graphql_values import convert_object
from gateway_shopify.read_documents import MAX_PAGE_COST, ConnectionQueries

SAMPLE_SIZE = 500
"""Number of records in the sample."""


class PageSize:
    """Page size of a feed, and its number of nested entries, which is the maximum until there is a sample."""

    def __init__(self, connection: ConnectionQueries) -> None:
        self._connection, self._entries = connection, connection.max_entries
        self._sample: deque[int] = deque(maxlen=SAMPLE_SIZE)

    @property
    def variables(self) -> Mapping[str, int]:
        """Variables of the next page."""
        inside = {"inside": self._entries} if self._connection.nested_field else {}
        return {"first": self._connection.count_records(self._entries), **inside}

    def record_sample(self, records: Iterable[Any]) -> None:
        """Add complete records to the sample and adjust the number of entries."""
        entry_lists = (
            convert_object(convert_object(record).get(self._connection.nested_field)).get("nodes") for record in records
        )
        self._sample.extend(len(entries) for entries in entry_lists if isinstance(entries, list))
        if self._sample:
            self._entries = min(range(1, self._connection.max_entries + 1), key=self._estimate_requests)

    def _estimate_requests(self, entries: int) -> float:
        """Estimate the requests per record: its share of a page, and one of its own if it has more entries."""
        extra = sum(count > entries for count in self._sample) / len(self._sample)
        return self._connection.estimate_record_cost(entries) / MAX_PAGE_COST + extra
