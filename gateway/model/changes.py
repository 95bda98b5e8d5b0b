"""What changed in the catalogue and its stock, for those who keep a copy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class ChangeKind(Enum):
    """What became of something. DELETED: it is not there, or not for this caller."""

    UPSERTED = "UPSERTED"
    DELETED = "DELETED"
    MERGED = "MERGED"


class ChangeType(Enum):
    """What can change."""

    PRODUCT = "PRODUCT"
    PRODUCT_VARIANT = "PRODUCT_VARIANT"
    LISTING = "LISTING"
    STOCK = "STOCK"
    LOCATION = "LOCATION"
    CATEGORY = "CATEGORY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that changed.

    Attributes:
        node_id: its global id.
        replaced_by: what it was merged into, as a global id.
    """

    node_id: str
    kind: ChangeKind
    replaced_by: str | None
    occurred_at: datetime

    @property
    def shown(self) -> str | None:
        """The id of what stands for it now; None: nothing does."""
        return None if self.kind is ChangeKind.DELETED else self.replaced_by or self.node_id
