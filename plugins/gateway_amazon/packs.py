"""How many units a listing sells: what stock, which counts listings, is multiplied by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.sdk import InvalidValueError
from gateway.sdk.shapes import Shape
from gateway_amazon.catalog import units_of
from gateway_amazon.config import AmazonConfig
from gateway_amazon.search import ListingSearch


class Packs:
    """What the listings said last. What is not known yet is asked for."""

    def __init__(self, config: AmazonConfig, search: ListingSearch) -> None:
        self._config, self._search = config, search
        self._units: dict[str, int] = {}

    def learn(self, items: Iterable[Shape]) -> None:
        """From listings that were read anyhow. One that is wrong says nothing; its own feed rejects it."""
        for item in items:
            try:
                self._units[item["sku"]] = units_of(item, self._config)
            except (InvalidValueError, KeyError, TypeError):
                continue

    async def of(self, skus: Iterable[str]) -> Mapping[str, int]:
        """By SKU; a listing that is not there any more counts as one unit."""
        wanted = sorted(set(skus))
        unknown = [sku for sku in wanted if sku not in self._units and sku not in self._config.units and fit(sku)]
        if unknown and self._config.pack_attributes:
            self.learn((await self._search.by_sku(unknown, "attributes")).values())
        return {sku: self._config.units.get(sku) or self._units.setdefault(sku, 1) for sku in wanted}


def fit(sku: str) -> bool:
    """Whether it can be asked for: what is none is rejected with the record where it stands, and stops no others."""
    return sku.isprintable() and len(sku) <= 255
