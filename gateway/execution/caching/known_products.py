"""Known products: those that lists have read. A list reads only which products it has, and those that are not known
or have changed (rule E4).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.execution.caching.cache_sizes import MEGABYTE, SizedCache
from gateway.execution.caching.change_follower import ChangeFollower
from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.caching.response_cache import MAX_AGE
from gateway.model.catalog import Product

PRODUCT_SIZE, MEDIUM_SIZE, VALUE_SIZE = 2_000, 800, 200
"""Bytes that a product takes besides its texts, that an image or another medium takes, and a value of a list."""


@dataclass(frozen=True, slots=True)
class KnownProduct:
    """A product. `generation`: the follower's generation before it was read."""

    product: Product
    generation: int
    expires_at: datetime


class KnownProducts:
    """The known products of one gateway. `megabytes`: the limit of their memory; 0: none is known."""

    def __init__(self, changes: ChangeFollower, megabytes: int, clock: Callable[[], datetime]) -> None:
        self.is_enabled = megabytes > 0
        self._changes = changes
        self._clock = clock
        self._entries: WeightedLRU[KnownProduct] = WeightedLRU(megabytes * MEGABYTE, MEGABYTE)

    def measure(self) -> SizedCache:
        """Return its size."""
        return SizedCache("products", (self._entries,))

    @property
    def count(self) -> int:
        """The number of products."""
        return self._entries.count

    def find(self, ids: Collection[str]) -> Mapping[str, Product]:
        """Find the products with these ids that are as new as what was committed before the request, which has followed
        the changes. Any thread may call it.
        """
        now = self._clock()
        found = {id_: self._entries.find(id_) for id_ in ids}
        return {id_: known.product for id_, known in found.items() if known is not None and self._is_right(known, now)}

    def _is_right(self, known: KnownProduct, now: datetime) -> bool:
        return known.expires_at > now and not self._changes.has_product_changed(known.generation, known.product.id)

    def add(self, products: Collection[Product], generation: int) -> None:
        """Add products that were read after this generation."""
        expires_at = self._clock() + MAX_AGE
        for product in products:
            self._entries.put(product.id, KnownProduct(product, generation, expires_at), _measure(product))

    def keep(self, ids: Collection[str]) -> None:
        """Mark products as used."""
        for id_ in ids:
            self._entries.get(id_)


def _measure(product: Product) -> int:
    """Compute the bytes that a product takes. Texts that are not Latin take two bytes for each character."""
    texts = 2 * (len(product.title) + len(product.description))
    media = len(product.images) + len(product.media)
    named = sum(1 + len(values) for _, values in product.attributes) + sum(len(it.values) for it in product.options)
    values = len(product.tags) + len(product.field_sources) + named
    return PRODUCT_SIZE + texts + MEDIUM_SIZE * media + VALUE_SIZE * values
