"""The configuration's rules by which listings are grouped."""

from __future__ import annotations

from gateway.commerce.taking import Rules
from gateway.execution.context import Context
from gateway.model.values import sku_key


def grouping(context: Context) -> Rules:
    """All that regrouping needs: what else there is says how records are taken in, and none is here."""
    settings = context.gateway.settings
    return Rules(
        priority={key: place for place, key in enumerate(settings.priority())},
        services=frozenset(sku_key(code) for code in settings.catalogue.services),
    )
