"""Configuration of customers: how they are recognized, and which values of them survive."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.commerce.customers.golden_record import SurvivorshipRules
from gateway.model.customers.recognition import RecognitionRules


@dataclass(frozen=True, slots=True)
class CustomerConfig:
    """The configuration of customers.

    Attributes:
        login_channels: channels in which customers can log in to their records, and so type values into them.
    """

    recognition: RecognitionRules = field(default_factory=RecognitionRules)
    survivorship: SurvivorshipRules = field(default_factory=SurvivorshipRules)
    login_channels: frozenset[str] = frozenset()
