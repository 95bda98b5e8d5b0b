"""Builds the topology and the selling configuration from the settings and the open channels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gateway.channels.loader import LoadedChannels
from gateway.channels.plugin_registry import Plugins
from gateway.commerce.config import SellingConfig, UnpaidCaps
from gateway.commerce.customers.config import CustomerConfig
from gateway.commerce.customers.golden_record import SurvivorshipRules
from gateway.commerce.location_authorities import AuthorityChange
from gateway.commerce.privacy.config import PrivacyConfig
from gateway.commerce.topology import Topology
from gateway.model.channels import ChannelKind
from gateway.model.customers.recognition import RecognitionRules
from gateway.model.locations import Address, Authority, GeoPoint, Location, OpeningException, OpeningHours
from gateway.runtime.loyalty_program import build_program
from gateway.runtime.recognition_rules import build_evidence_rules
from gateway.sdk.channel import Traits
from gateway.sdk.policies import Taxes, TaxRate, make_flat_taxes
from gateway.sdk.writes import AdjustStock, Command, PlaceOrder
from gateway.settings.privacy import PrivacyTable
from gateway.settings.problems import SettingsError
from gateway.settings.schema import ChannelTable, LocationTable, SellingTable, Settings

Writes = Mapping[str, frozenset[type[Command]]]
AuthorityChanges = Mapping[str, AuthorityChange]

POSTING_MODES: Mapping[str, type[Command] | None] = {"adjust": AdjustStock, "order": PlaceOrder, "external": None}
"""How the authority of a location learns of sales of other channels, and the command it must support for that, in order
of preference. `external`: another system reports them.
"""

DEFAULT_ALLOCATION_THRESHOLD = 3


def build_topology(settings: Settings, channels: LoadedChannels, changes: AuthorityChanges) -> Topology:
    """Build the topology.

    Args:
        changes: changed authorities that are not accepted yet, by location.

    Raises:
        SettingsError: a location requires something that its authority cannot do.
    """
    locations = {key: build_location(key, table, changes.get(key)) for key, table in settings.locations.items()}
    writes = {key: frozenset(channel.writes) for key, channel in channels.open.items()}
    if problems := list(_find_problems(settings, writes)):
        raise SettingsError(problems)
    return Topology(
        locations=locations,
        buffers={key: table.buffer for key, table in settings.locations.items()},
        posting_modes=dict(_choose_posting_modes(settings, locations.values(), writes)),
        traits={key: channel.traits for key, channel in channels.open.items()},
        writes=writes,
        marketplaces=frozenset(
            key for key, channel in channels.models.items() if channel.kind is ChannelKind.MARKETPLACE
        ),
        allocation_thresholds={
            key: _get_allocation_threshold(channel.traits, settings.channels[key])
            for key, channel in channels.open.items()
        },
    )


def _get_allocation_threshold(traits: Traits, table: ChannelTable) -> int:
    """Rule K6: the last units are set aside for single followers if those report their orders late."""
    if table.set_aside_up_to is not None:
        return table.set_aside_up_to
    return DEFAULT_ALLOCATION_THRESHOLD if traits.order_latency else 0


def build_selling(
    settings: Settings,
    plugins: Plugins,
    channels: LoadedChannels,
    changes: AuthorityChanges,
    secrets: Sequence[bytes],
) -> SellingConfig:
    """Build the selling configuration. Raises as `build_topology`.

    Args:
        changes: changed authorities that are not accepted yet, by location.
        secrets: the secret that signs, then those that are still accepted.
    """
    table = settings.selling
    return SellingConfig(
        topology=build_topology(settings, channels, changes),
        secret=secrets[0],
        previous_secrets=tuple(secrets[1:]),
        taxes=_choose_taxes(table, plugins),
        routing=plugins.get_policy("routing", table.routing),
        currencies={key: channel.traits.currency for key, channel in channels.open.items()},
        rounding={key: channel.traits.rounds for key, channel in channels.open.items()},
        shipping_prices=table.shipping_minor,
        pickup_lead_time=table.pickup_after,
        transfer_lead_time=table.transfer_after,
        shipping_lead_time=table.shipping_after,
        option_lifetime=table.option_lasts,
        cart_lifetime=table.cart_lasts,
        anonymous_cart_lifetime=min(table.anonymous_cart_lasts, table.cart_lasts),
        anonymous_carts=table.anonymous_carts,
        anonymous_changes=table.anonymous_changes,
        pickup_window=table.collect_within,
        shortage_deadline=table.shortage_within,
        payment_window=table.pay_within,
        unpaid_channels=frozenset(table.send_unpaid),
        invoice_channels=frozenset(table.invoices),
        customers=build_customer_config(settings, plugins, channels),
        unpaid_caps=UnpaidCaps(table.unpaid_orders, table.unpaid_units, table.unpaid_share),
        loyalty=build_program(settings),
        webhooks={name: frozenset(webhook.kinds) for name, webhook in settings.webhooks.items()},
        privacy=_build_privacy_config(settings.privacy),
    )


def _build_privacy_config(table: PrivacyTable) -> PrivacyConfig:
    return PrivacyConfig(
        keys=table.all_secrets,
        cooling_off=table.cooling_off,
        file_lifetime=table.file_lifetime,
        invoices=dict(table.invoices),
        other_invoices=table.other_invoices,
    )


def build_customer_config(settings: Settings, plugins: Plugins, channels: LoadedChannels) -> CustomerConfig:
    """Build the configuration of customers.

    Raises:
        SettingsError: a service number or address is none.
    """
    traits = {key: channel.traits for key, channel in channels.open.items()}
    relay_domains = frozenset(domain for own in traits.values() for domain in own.relay_domains)
    priority = {key: rank for rank, key in enumerate(settings.list_channels_by_priority())}
    stores = {key for key, channel in channels.models.items() if channel.kind is ChannelKind.STOREFRONT}
    tills = {key for key, channel in channels.models.items() if channel.kind is ChannelKind.POS}
    return CustomerConfig(
        policy=plugins.get_policy("recognition", settings.customers.recognition),
        recognition=RecognitionRules(by_name=settings.customers.by_name),
        evidence=build_evidence_rules(settings.customers, relay_domains),
        survivorship=SurvivorshipRules(
            priority=priority, lending=frozenset(key for key, own in traits.items() if own.lent_for is not None)
        ),
        regions={key: table.region for key, table in settings.channels.items() if table.region is not None},
        references={key: table.references for key, table in settings.channels.items() if table.references},
        external_systems=frozenset(settings.customers.external_systems),
        login_channels=frozenset(stores),
        clock_errors={key: own.clock_within for key, own in traits.items()},
        store_channels=frozenset(tills),
    )


def _choose_taxes(table: SellingTable, plugins: Plugins) -> Taxes:
    if table.taxes == "flat" and table.tax_rate is not None:
        return make_flat_taxes(TaxRate(table.tax_title, table.tax_rate))
    policy: Taxes = plugins.get_policy("taxes", table.taxes)
    return policy


def _choose_posting_modes(
    settings: Settings, locations: Iterable[Location], writes: Writes
) -> Iterator[tuple[tuple[str, str], str]]:
    """Returns the configured modes, or else the first mode that the authority supports, if any."""
    for location in locations:
        if location.authority is None:
            continue
        table, authority = settings.locations[location.key], location.authority.channel
        possible = [mode for mode, command in POSTING_MODES.items() if command in writes.get(authority, ())]
        configured = table.post if authority == table.authority else {}  # it is meant for the configured authority
        for follower in location.external_ids:
            chosen = configured.get(follower, possible[0] if possible else None)
            if follower != authority and chosen is not None:
                yield (location.key, follower), chosen


def _find_problems(settings: Settings, writes: Writes) -> Iterator[str]:
    for key, table in settings.locations.items():
        for follower, mode in table.post.items():
            command = POSTING_MODES[mode]
            if command is not None and table.authority in writes and command not in writes[table.authority]:
                yield (
                    f"locations.{key}.post.{follower}: {table.authority} does not support this with its "
                    "configuration; expected external, or another authority"
                )


def build_accepted_topology(topology: Topology, settings: Settings, location: str) -> Topology:
    """Build the topology as it is once the configured authority of a location is accepted."""
    accepted = build_location(location, settings.locations[location], None)
    return replace(topology, locations={**topology.locations, location: accepted})


def build_location(key: str, table: LocationTable, change: AuthorityChange | None) -> Location:
    """Build a location from its configuration. A changed authority waits: the former one counts, if it still can."""
    location = _build_configured_location(key, table)
    if change is None:
        return location
    pending = replace(location, authority=None, pending_authority=change.configured)
    if not change.is_known:
        return pending
    former = change.accepted
    external_ids = {**location.external_ids, former.channel: former.external_id}
    return replace(pending, authority=former, external_ids=external_ids)


def _build_configured_location(key: str, table: LocationTable) -> Location:
    return Location(
        key=key,
        name=table.name,
        kind=table.kind,
        authority=Authority(table.authority, table.channels[table.authority]),
        external_ids=dict(table.channels),
        sold_by=table.sold_by,
        time_zone=table.time_zone,
        address=Address(**table.address.model_dump()) if table.address else None,
        point=GeoPoint(table.point.latitude, table.point.longitude) if table.point else None,
        phone=table.phone,
        opening_hours=tuple(OpeningHours(**hours.model_dump()) for hours in table.opening_hours),
        opening_exceptions=tuple(OpeningException(**one.model_dump()) for one in table.opening_exceptions),
        fulfillment_methods=table.fulfillment_methods,
    )
