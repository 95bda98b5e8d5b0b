"""Survivorship: which channel writes each field of a product (rule I3)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.commerce.ingest_batch import IngestRules
from gateway.model.catalog import ProductField
from gateway.storage.sql.bulk import dump_json
from gateway.storage.writes.listings import ChannelProductRow

EMPTY = "[]"

_HAS_VALUE: Mapping[ProductField, Callable[[ChannelProductRow], bool]] = {
    ProductField.TEXTS: lambda row: True,
    ProductField.MEDIA: lambda row: row.images != EMPTY or row.media is not None,
    ProductField.BRAND: lambda row: bool(row.brand),
    ProductField.CATEGORY: lambda row: row.category != EMPTY,
    ProductField.TAGS: lambda row: row.tags != EMPTY,
}

_OF_ALL_VARIANTS = frozenset({ProductField.TEXTS, ProductField.MEDIA})
"""Fields that a channel product of a single variant has for that variant only."""


@dataclass(frozen=True, slots=True)
class FieldSources:
    """The channel products that write the fields of a product.

    Attributes:
        lead: writes all fields for which no order of channels is configured.
        chosen: by field; only fields with an order of their own.
        attributes: the first one that has an attribute writes it.
    """

    lead: ChannelProductRow
    chosen: Mapping[ProductField, ChannelProductRow]
    attributes: Sequence[ChannelProductRow]

    def __getitem__(self, field: ProductField) -> ChannelProductRow:
        return self.chosen.get(field, self.lead)

    def dump(self) -> str:
        """Encode the fields that have a value, each with its channel: [[field, key of the attribute, channel], …]."""
        written = [(field, self[field]) for field, has_value in _HAS_VALUE.items() if has_value(self[field])]
        return dump_json([*([field.value, None, row.channel] for field, row in written), *self._list_attributes()])

    def _list_attributes(self) -> Iterator[list[str]]:
        writers: dict[str, str] = {}
        for row in self.attributes:
            for key in json.loads(row.attributes) if row.attributes else ():
                writers.setdefault(key, row.channel)
        return ([ProductField.ATTRIBUTES.value, key, channel] for key, channel in sorted(writers.items()))


def choose_sources(
    lead: ChannelProductRow, listed: Sequence[ChannelProductRow], variants: int, rules: IngestRules
) -> FieldSources:
    """Choose the channel products that write the fields of a product: the first one with a value.

    Args:
        lead: gives the product its group.
        listed: the channel products of the product's listings, the preferred one first.
        variants: the number of variants that are listed.
    """
    chosen: dict[ProductField, ChannelProductRow] = {}
    for field in _HAS_VALUE.keys() & rules.field_priority.keys():
        ranked = _rank_rows(listed, field, rules)
        if field in _OF_ALL_VARIANTS and variants > 1:
            ranked.sort(key=lambda row: not row.grouped)
        chosen[field] = next(filter(_HAS_VALUE[field], ranked), lead)
    return FieldSources(lead, chosen, _rank_rows(listed, ProductField.ATTRIBUTES, rules))


def _rank_rows(listed: Sequence[ChannelProductRow], field: ProductField, rules: IngestRules) -> list[ChannelProductRow]:
    rank = rules.field_priority.get(field)
    return list(listed) if rank is None else sorted(listed, key=lambda row: rank.get(row.channel, len(rank)))


def compute_digest(priority: Sequence[str], by_field: Mapping[str, Sequence[str]]) -> str:
    """Compute a digest of the configured orders of channels; empty: none is configured."""
    configured = [list(priority), sorted((field, list(keys)) for field, keys in by_field.items())]
    return hashlib.blake2b(dump_json(configured).encode(), digest_size=8).hexdigest() if any(configured) else ""
