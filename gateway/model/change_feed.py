"""Changes of the catalog and its stock, for clients that maintain a local copy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class ChangeKind(Enum):
    """What happened to an object. DELETED: it no longer exists, or is no longer visible to the caller."""

    UPSERTED = "UPSERTED"
    DELETED = "DELETED"
    MERGED = "MERGED"


class ChangeType(Enum):
    """Type of a changed object."""

    PRODUCT = "PRODUCT"
    PRODUCT_VARIANT = "PRODUCT_VARIANT"
    LISTING = "LISTING"
    STOCK = "STOCK"
    LOCATION = "LOCATION"
    CATEGORY = "CATEGORY"
    COLLECTION = "COLLECTION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A changed object.

    Attributes:
        node_id: Global ID of the object.
        replaced_by: Global ID of the object into which it was merged; None: not merged.
        occurred_at: When it changed.
    """

    node_id: str
    kind: ChangeKind
    replaced_by: str | None
    occurred_at: datetime

    @property
    def current_id(self) -> str | None:
        """Global ID of the object that represents it now; None: it was deleted."""
        return None if self.kind is ChangeKind.DELETED else self.replaced_by or self.node_id
