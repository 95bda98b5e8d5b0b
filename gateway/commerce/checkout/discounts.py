"""Discounts: an amount cut over lines by largest remainder, and over the units of a line (rule P4)."""

from __future__ import annotations

from collections.abc import Mapping


def allocate_discount(discount: int, gross: Mapping[str, int]) -> dict[str, int]:
    """Cut a discount over lines, by their gross amounts: exact in sum, never above a line's own amount.

    Ties are decided by the line's id, not by its position: another order of the lines gives the same cut.
    """
    total = sum(gross.values())
    if discount <= 0 or total <= 0:
        return dict.fromkeys(gross, 0)
    cut = min(discount, total)
    shares = {id_: cut * amount // total for id_, amount in gross.items()}
    remainders = sorted(gross, key=lambda id_: (-(cut * gross[id_] % total), id_))
    for id_ in remainders[: cut - sum(shares.values())]:
        shares[id_] += 1
    return shares


def cut_units(discount: int, quantity: int, before: int, units: int) -> int:
    """Cut the discount of a line for some of its units, so that all parts add up to it. `before`: units before them."""
    return discount * (before + units) // quantity - discount * before // quantity
