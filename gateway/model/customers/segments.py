"""Segments: named filters of customers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A named filter of customers, from the configuration."""

    key: str
    title: str
