"""Recognition of customers: the facts that it reads, and the partition that it returns (rules C2, C3, C7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from gateway.model.customers.profiles import EvidenceVerdict, IdentityRule


class EvidenceKind(Enum):
    """What a compared value is.

    A landline connects no records. A relay address, which a marketplace issues, is an alias of an account of its
    channel. A reference is the ID of a customer in a channel or another system, which a configured field names, and is
    verified where it is the record's own. The key of a policy is what the configured policy `recognition` returns.
    """

    EMAIL = "EMAIL"
    MOBILE = "MOBILE"
    LANDLINE = "LANDLINE"
    LOYALTY_NUMBER = "LOYALTY_NUMBER"
    RELAY_ADDRESS = "RELAY_ADDRESS"
    REFERENCE = "REFERENCE"
    POLICY_KEY = "POLICY_KEY"


EvidenceKey = tuple[EvidenceKind, str]
"""A kind and a compared value: what two identities may have in common."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A value of an identity, in the form that is compared (rule C2).

    Attributes:
        verified: Whether the channel has verified that it belongs to the customer.
    """

    kind: EvidenceKind
    value: str
    verified: bool = False

    @property
    def key(self) -> EvidenceKey:
        """The kind and the value."""
        return self.kind, self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityFacts:
    """What recognition knows of an identity.

    Attributes:
        channel: Key of the channel.
        given_name: Canonical form of the given name, folded; one letter is an initial; None: not known.
        family_name: Folded; None: not known.
        has_login: Whether a customer can log in to this record, and so type values into it.
        merged_into: ID of the identity into which the channel has merged the record.
        contact: Key of the contact of a guest's order. Guests of a channel with equal keys are one for recognition, and
            count as one holder of a value. None: no guest.
    """

    id: str
    channel: str
    given_name: str | None = None
    family_name: str | None = None
    has_login: bool = False
    evidence: tuple[Evidence, ...] = ()
    merged_into: str | None = None
    contact: str | None = None


class DecisionKind(Enum):
    """What a decision states about two sets of identities."""

    SAME = "SAME"
    DIFFERENT = "DIFFERENT"


@dataclass(frozen=True, slots=True)
class Decision:
    """A standing decision that two sets of identities are the same customer, or different ones.

    Attributes:
        number: Order of the decisions; the newest that speaks of two identities holds.
        left: IDs of the identities of one side.
        right: IDs of the identities of the other side.
        proved: Whether the customer may see the records of both sides (rule C7). Only of SAME.
        rule: How links explain it: MANUAL, or CLAIM for the order of a guest.
    """

    id: str
    number: int
    kind: DecisionKind
    left: tuple[str, ...]
    right: tuple[str, ...]
    proved: bool = False
    rule: IdentityRule = IdentityRule.MANUAL


@dataclass(frozen=True, slots=True)
class Link:
    """An explanation: what connects two identities, or tells them apart.

    The links of a group that have the verdict LINKS span it; other pairs of the group have none.

    Attributes:
        value: The value that both have; None: the rule compares none.
        first: The lower ID of the two identities.
        second: The higher ID.
    """

    rule: IdentityRule
    verdict: EvidenceVerdict
    value: str | None
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Groups that may be one customer, for a review.

    Attributes:
        identities: The groups, each as the sorted IDs of its identities. A review of very many shows the first.
        reason: Why they were not joined.
        links: What suggests and what contradicts it.
    """

    identities: tuple[tuple[str, ...], ...]
    reason: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Partition:
    """The customers that recognition finds.

    Attributes:
        groups: The lowest ID of the group of each identity, by ID: the golden records.
        proved: The lowest ID of the part of the group that is proved to be the customer's own, by ID (rule C7).
        links: Explanations, sorted.
        suggestions: Groups that may be one customer, sorted.
    """

    groups: Mapping[str, str]
    proved: Mapping[str, str]
    links: tuple[Link, ...]
    suggestions: tuple[Suggestion, ...]


MAX_BLOCK = 500
"""Identities of a block, above which its weakest rules are not applied (rule C4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionRules:
    """What a retailer configures.

    Attributes:
        by_name: Whether an email address or a mobile number joins records of equal full names; if not, a review opens.
        max_block: Identities of a block, above which its weakest rules are not applied.
    """

    by_name: bool = True
    max_block: int = MAX_BLOCK
