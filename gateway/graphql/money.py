"""Money in inputs."""

from __future__ import annotations

from gateway.execution.errors import BadUserInputError
from gateway.graphql.inputs import MoneyInput
from gateway.model.money import Money
from gateway.model.values import InvalidValueError


def money(name: str, given: MoneyInput) -> Money:
    """The amount, exactly."""
    try:
        return Money.of(given.amount, given.currency_code)
    except InvalidValueError as error:
        raise BadUserInputError(f"{name}: {error}.") from error
