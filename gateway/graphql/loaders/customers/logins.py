"""Loaders of the tokens that a request has issued to shoppers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.commerce.customers.shopper_tokens import read_shopper_token
from gateway.execution.context import Context
from gateway.graphql.runtime_protocol import get_runtime


async def load_shopper_tokens(context: Context, homes: Sequence[str]) -> Sequence[str | None]:
    """Load the tokens that this request issued; a retry of an earlier request gets none."""
    return [context.issued_secrets.get(home) for home in homes]


async def load_shopper_token_ends(context: Context, homes: Sequence[str]) -> Sequence[datetime | None]:
    """Load when the tokens expire that this request issued."""
    secrets = get_runtime(context).selling.secrets
    contents = [read_shopper_token(secrets, context.issued_secrets.get(home, "")) for home in homes]
    return [None if content is None else content.expires_at for content in contents]
