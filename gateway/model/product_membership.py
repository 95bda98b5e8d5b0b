"""Which product a channel's product stands for, when its variants are in several (rule H1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple


class Member(NamedTuple):
    """A listing of a channel product.

    Attributes:
        product: the product that it belongs to.
        variant: the variant that it belongs to.
        position, external_id: the order in the channel product.
    """

    product: str
    variant: str
    position: int
    external_id: str


def find_main_product(members: Iterable[Member]) -> str:
    """Find the product with most variants of a channel product; of as many, that of the first variant.

    It depends on the members alone, not on what was there before.
    """
    ordered = sorted(members, key=lambda member: (member.position, member.external_id))
    counts = Counter(product for product, _ in dict.fromkeys((member.product, member.variant) for member in ordered))
    return counts.most_common(1)[0][0]  # of equal ones the first that was counted
