"""Reviews and decisions of staff about which identities are one customer (rule C5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gateway.model.customers.golden_record import FieldSource
from gateway.model.customers.profiles import IdentityEvidence


class CustomerReviewState(Enum):
    """State of a review."""

    OPEN = "OPEN"
    SAME = "SAME"
    DIFFERENT = "DIFFERENT"
    OBSOLETE = "OBSOLETE"


class CustomerMergeKind(Enum):
    """What staff decided about customers."""

    MERGED = "MERGED"
    SPLIT = "SPLIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReview:
    """Customers that may be one, for staff to decide.

    Attributes:
        customer_ids: Row IDs of the customers, as they are today.
        merge_id: Row ID of the decision; None: there is none, or it was undone.
    """

    id: str
    state: CustomerReviewState
    customer_ids: tuple[str, ...]
    evidence: tuple[IdentityEvidence, ...]
    reason: str
    created_at: datetime
    decided_at: datetime | None = None
    decided_by: str | None = None
    merge_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMerge:
    """A decision that identities are the same customer, or different ones.

    Attributes:
        proved: Whether the customer sees the records of both sides.
        customer_id: Row ID of the customer that it is about, as it is today.
        merged_ids: Row IDs of the customers as they were when it was decided.
        by: Name of the token of who decided.
        undone_at: When it was undone; None: it stands.
    """

    id: str
    kind: CustomerMergeKind
    proved: bool
    customer_id: str
    merged_ids: tuple[str, ...]
    evidence: tuple[IdentityEvidence, ...]
    by: str
    note: str | None
    merged_at: datetime
    undone_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMergePreview:
    """What a merge would result in.

    Attributes:
        loyalty_balance: points of all of them that can be spent now.
        orders: number of orders of all of them.
        contradictions: what says that they are different customers.
    """

    display_name: str | None
    identity_ids: tuple[str, ...]
    sources: tuple[FieldSource, ...]
    loyalty_balance: int
    orders: int
    contradictions: tuple[IdentityEvidence, ...]
