"""Configuration of customers: how they are recognized, and which values of them survive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from gateway.commerce.customers.golden_record import SurvivorshipRules
from gateway.commerce.customers.recognition.evidence import EvidenceRules
from gateway.model.customers.recognition import RecognitionRules
from gateway.sdk.policies import Recognition, recognize_by_evidence


@dataclass(frozen=True)
class CustomerConfig:
    """The configuration of customers.

    Attributes:
        policy: returns further keys of records, by which they are one customer.
        regions: country, by channel, whose phone numbers it writes without their country code.
        clock_errors: by how much the clock of a channel may be wrong, by channel.
        store_channels: channels whose orders are placed in stores.
        references: the fields of customers that name a customer elsewhere, by channel: the name of each field, by the
            channel or system in which the customer is named.
        external_systems: systems without a channel, whose IDs of customers such fields have.
        login_channels: channels in which customers can log in to their records, and so type values into them.
    """

    policy: Recognition = recognize_by_evidence
    recognition: RecognitionRules = field(default_factory=RecognitionRules)
    evidence: EvidenceRules = field(default_factory=EvidenceRules)
    survivorship: SurvivorshipRules = field(default_factory=SurvivorshipRules)
    regions: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    external_systems: frozenset[str] = frozenset()
    login_channels: frozenset[str] = frozenset()
    store_channels: frozenset[str] = frozenset()
    clock_errors: Mapping[str, timedelta] = field(default_factory=dict)

    @cached_property
    def referenced_channels(self) -> frozenset[str]:
        """Channels whose customers such fields name."""
        return frozenset(name for fields in self.references.values() for name in fields) - self.external_systems
