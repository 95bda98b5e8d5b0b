"""Plugins written for SDK 1.0 still work: old module paths and old names stay importable and warn."""

from __future__ import annotations

import importlib
import sys
import warnings
from dataclasses import replace

import pytest

from gateway.channels.plugin_registry import discover
from gateway.sdk import SDK_VERSION, Registry, hookimpl
from gateway.sdk.testing.memory_channel import MemoryPlugin
from gateway.sdk.testing.memory_store import MemoryStore

NAMES_OF_SDK_1_0 = {
    "gateway.sdk": """
        Accepted Address AdjustStock Answer AuthError Authorize BaseUrl Budget BudgetSpentError CancelOrder Channel
        ChannelError ChannelKind ChannelType Command Config ContactPoint Context ContractError Currency
        CursorExpiredError CustomerRecord Delivery Done EraseCustomer Feed ForgedError Gone Hint Http Image
        InvalidValueError ListingStatus LiveFeed Mark Money MovementReason OrderContact OrderFulfillmentStatus
        OrderLineRecord OrderRecord OrderReturnStatus OrderStatus Outcome OutcomeUnknownError Page PaymentStatus
        Place PlaceOrder ProductRecord ProductStatus RateLimitedError Raw Record Ref RefundOrder Refused Registry
        RejectedError Request SDK_VERSION Secret SelectedOption SetPrice SetStock ShipOrder StaleError StockRecord
        TaxLine TimeZone Token Traits UnavailableError VariantRecord Version Webhooks Write gtin_or_none hookimpl
        pieces
    """,
    "gateway.sdk.channel": """
        Channel ChannelType ConfigT Context ENTRY_POINT_GROUP Hooks Place Registry SDK_VERSION Traits hookimpl
        hookspec no_budgets no_places nothing_to_close
    """,
    "gateway.sdk.config": """
        BaseUrl Config Currency Secret TimeZone
    """,
    "gateway.sdk.errors": """
        AuthError BudgetSpentError ChannelError ContractError CursorExpiredError ForgedError OutcomeUnknownError
        RateLimitedError RejectedError StaleError UnavailableError
    """,
    "gateway.sdk.feeds": """
        AnyFeed Feed LiveFeed Mark Page R Raw Token
    """,
    "gateway.sdk.policies": """
        Goods KINDS Matching Plan Prices Routing TaxRate Taxes codes_only fewest_nearest_longest first_priced flat
        no_taxes
    """,
    "gateway.sdk.records": """
        CustomerRecord Gone OrderLineRecord OrderRecord ProductRecord Record Ref StockRecord VariantRecord Version
        put
    """,
    "gateway.sdk.requests": """
        Answer Authorize Budget Http MEGABYTE Query Request
    """,
    "gateway.sdk.shapes": """
        Shape T flag instant one optional_instant optional_one optional_text several text texts whole within wrong
    """,
    "gateway.sdk.testing.context": """
        StillContext
    """,
    "gateway.sdk.testing.faults": """
        Answer Ask Fault Gate Signal blocking chained losing raising returning shuffled spinning with_rows without
    """,
    "gateway.sdk.testing.memory": """
        MemoryConfig MemoryFeed MemoryLiveFeed MemoryPlugin MemoryWebhooks Opened Progress R TOLERANCE delivery
        feeds signature traits
    """,
    "gateway.sdk.testing.rows": """
        PLACED_AT Row bad_rows customer line order product read_customer read_order read_product read_stock stock
        variant
    """,
    "gateway.sdk.testing.sandbox": """
        FAULTS Sandbox SandboxError StartSandbox UnsupportedFaultError World WorldCustomer WorldLine WorldPlace
        WorldProduct WorldReceipt small_world
    """,
    "gateway.sdk.testing.server": """
        Server
    """,
    "gateway.sdk.testing.store": """
        FEEDS MemoryStore Rule
    """,
    "gateway.sdk.testing.writing": """
        C Habits MemoryWrite
    """,
    "gateway.sdk.webhooks": """
        Delivery Hint Webhooks
    """,
    "gateway.sdk.writes": """
        Accepted AdjustStock AnyWrite C CancelOrder Command Done EraseCustomer Outcome PlaceOrder RefundOrder
        Refused SetPrice SetStock ShipOrder Write
    """,
}
"""Public names of every module of SDK 1.0, by module."""

MOVED = {
    "gateway.sdk.requests": "gateway.sdk.http",
    "gateway.sdk.shapes": "gateway.sdk.json_access",
    "gateway.sdk.testing.context": "gateway.sdk.testing.stub_context",
    "gateway.sdk.testing.faults": "gateway.sdk.testing.fault_injection",
    "gateway.sdk.testing.memory": "gateway.sdk.testing.memory_channel",
    "gateway.sdk.testing.rows": "gateway.sdk.testing.record_builders",
    "gateway.sdk.testing.server": "gateway.sdk.testing.sandbox_server",
    "gateway.sdk.testing.store": "gateway.sdk.testing.memory_store",
    "gateway.sdk.testing.writing": "gateway.sdk.testing.memory_writes",
}


@pytest.mark.parametrize(("old", "new"), MOVED.items())
def test_old_module_path_warns(old: str, new: str) -> None:
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match=f"{old} is deprecated; import {new} instead"):
        importlib.import_module(old)


@pytest.mark.parametrize("module", NAMES_OF_SDK_1_0)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_name_of_sdk_1_0_is_importable(module: str) -> None:
    imported = importlib.import_module(module)
    missing = [name for name in NAMES_OF_SDK_1_0[module].split() if not hasattr(imported, name)]
    assert missing == []


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("gateway.sdk", "pieces", "parse_pieces"),
        ("gateway.sdk", "gtin_or_none", "parse_gtin"),
        ("gateway.sdk.json_access", "optional_one", "get_optional_object"),
        ("gateway.sdk.policies", "flat", "make_flat_taxes"),
        ("gateway.sdk.testing.sandbox", "small_world", "build_small_world"),
        ("gateway.sdk.testing.fault_injection", "Gate", "Barrier"),
    ],
)
def test_old_name_warns_and_is_the_new_object(module: str, old: str, new: str) -> None:
    imported = importlib.import_module(module)
    with pytest.warns(DeprecationWarning, match=f"{module}.{old} is deprecated; use {module}.{new} instead"):
        assert getattr(imported, old) is getattr(imported, new)


def test_unknown_name_is_an_attribute_error() -> None:
    for module in ("gateway.sdk", "gateway.sdk.json_access", "gateway.sdk.shapes"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            imported = importlib.import_module(module)
        with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
            _ = imported.nonsense


class PluginForSdk10:
    """A plugin that declares SDK 1.0."""

    @hookimpl
    def gateway_register(self, registry: Registry) -> None:
        types = Registry()
        MemoryPlugin(MemoryStore()).gateway_register(types)
        registry.channel(replace(types.channels[0], sdk=">=1.0,<2"))


def test_plugin_for_sdk_1_0_is_loaded() -> None:
    assert SDK_VERSION == "1.3"
    assert "memory" in discover(PluginForSdk10(), points=()).types
