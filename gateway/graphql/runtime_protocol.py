"""What mutations need of the running gateway, beyond what queries need."""

from __future__ import annotations

from typing import Protocol, cast

from gateway.commerce import tokens
from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.commerce.ingest_batch import IngestRules
from gateway.commerce.permissions import Permissions
from gateway.execution.context import Context
from gateway.execution.login.registry import LoginRegistry
from gateway.execution.query_runtime import QueryRuntime
from gateway.execution.token_registry import TokenRegistry
from gateway.model.stock import EXACT_STOCK, StockDisclosure
from gateway.runtime.channel_logins import ChannelLogins
from gateway.runtime.command_bus import CommandBus


class MutationRuntime(QueryRuntime, Protocol):
    """The running gateway, as mutations see it."""

    @property
    def rules(self) -> IngestRules: ...
    @property
    def selling(self) -> SellingConfig: ...
    @property
    def commands(self) -> CommandBus: ...
    @property
    def tokens(self) -> TokenRegistry: ...
    @property
    def logins(self) -> LoginRegistry: ...
    @property
    def channel_logins(self) -> ChannelLogins: ...


def get_runtime(context: Context) -> MutationRuntime:
    """Return the gateway that the request runs in.

    The cast is the one seam: the executor below GraphQL does not know commerce.
    """
    return cast(MutationRuntime, context.gateway)


def build_disclosure(context: Context) -> StockDisclosure:
    """Return what the caller may know of the stock: exact quantities require the scope `stock:read` (rule K10)."""
    return (
        EXACT_STOCK if context.caller.has_scope("stock:read") else StockDisclosure(context.gateway.settings.stock.cap)
    )


def build_selling_context(context: Context) -> SellingContext:
    """Return the context of a use case that the request runs."""
    return SellingContext(
        get_runtime(context).selling,
        context.now,
        permissions=build_permissions(context),
        disclosure=build_disclosure(context),
        client=digest_bounded_client(context),
        actor=context.caller.actor,
        customer=context.caller.home,
    )


def digest_bounded_client(context: Context) -> str | None:
    """Return the digest of a client whose writes are bounded (rule U6): of its network, or of the shopper. None: the
    retailer has given it a token.
    """
    caller = context.caller
    if caller.is_trusted:
        return None
    return tokens.digest_network(get_runtime(context).selling.secret, caller.principal or context.network)


def build_permissions(context: Context) -> Permissions:
    """Return what the caller of a use case may do."""
    caller, visible = context.caller, context.visibility.channels
    return Permissions(
        visible_channels=None if visible is None else frozenset(visible),
        channels=context.selling_channels,
        take_away=caller.locations if caller.has_scope("orders:write") else frozenset(),
        locations=caller.locations,
        configured_channels=frozenset(context.gateway.channels),
    )
