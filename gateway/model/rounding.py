"""Rounding of gross amounts where tax is added to net prices (rule P1)."""

from __future__ import annotations

from enum import Enum


class Rounding(Enum):
    """What a channel rounds to the smallest unit of the currency."""

    UNIT = "unit"
    LINE = "line"
    RECEIPT = "receipt"
