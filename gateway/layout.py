"""Where goods are and who counts them: from the configuration, and from what the open channels can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway.channels.opening import Channels
from gateway.channels.plugins import Plugins
from gateway.commerce.ground import Ground
from gateway.commerce.selling import Selling
from gateway.model.channels import Address, ChannelKind, GeoPoint, Location, OpeningHours
from gateway.sdk.channel import Traits
from gateway.sdk.policies import Taxes, TaxRate, flat
from gateway.sdk.writes import AdjustStock, Command, PlaceOrder
from gateway.settings import ChannelTable, LocationTable, SellingTable, Settings, SettingsError

Writes = Mapping[str, frozenset[type[Command]]]

POSTS: Mapping[str, type[Command] | None] = {"adjust": AdjustStock, "order": PlaceOrder, "external": None}
"""How an authority learns what others sold from its place, and what it must be able to do for that, in the order of
preference. External: somebody else tells it."""

FEW = 3


def ground(settings: Settings, channels: Channels) -> Ground:
    """The ground that commerce stands on.

    Raises:
        SettingsError: a location asks for something that its authority cannot do.
    """
    locations = {key: location(key, table) for key, table in settings.locations.items()}
    writes = {key: frozenset(channel.writes) for key, channel in channels.open.items()}
    if problems := list(_problems(settings, writes)):
        raise SettingsError(problems)
    return Ground(
        locations=locations,
        buffers={key: table.buffer for key, table in settings.locations.items()},
        posts=dict(_posts(settings, writes)),
        traits={key: channel.traits for key, channel in channels.open.items()},
        writes=writes,
        marketplaces=frozenset(
            key for key, channel in channels.models.items() if channel.kind is ChannelKind.MARKETPLACE
        ),
        few={key: _few(channel.traits, settings.channels[key]) for key, channel in channels.open.items()},
    )


def _few(traits: Traits, table: ChannelTable) -> int:
    """Rule K6: of the last units of something each is offered once, where a follower tells its orders late."""
    if table.set_aside_up_to is not None:
        return table.set_aside_up_to
    return FEW if traits.order_latency else 0


def selling(settings: Settings, plugins: Plugins, channels: Channels, kept_secret: str) -> Selling:
    """What selling goes by. Raises as `ground`."""
    table = settings.selling
    own = table.secret.get_secret_value() if table.secret is not None else ""
    return Selling(
        ground=ground(settings, channels),
        secret=(own or kept_secret).encode(),
        taxes=_taxes(table, plugins),
        routing=plugins.policy("routing", table.routing),
        currencies={key: channel.traits.currency for key, channel in channels.open.items()},
        shipping=table.shipping_minor,
        pickup_after=table.pickup_after,
        transfer_after=table.transfer_after,
        shipping_after=table.shipping_after,
        option_lasts=table.option_lasts,
        cart_lasts=table.cart_lasts,
        collect_within=table.collect_within,
        shortage_within=table.shortage_within,
    )


def _taxes(table: SellingTable, plugins: Plugins) -> Taxes:
    if table.taxes == "flat" and table.tax_rate is not None:
        return flat(TaxRate(table.tax_title, table.tax_rate))
    found: Taxes = plugins.policy("taxes", table.taxes)
    return found


def _posts(settings: Settings, writes: Writes) -> Iterator[tuple[tuple[str, str], str]]:
    """What is configured, or else the first thing that the authority can do; nothing, where it can do nothing."""
    for key, table in settings.locations.items():
        possible = [how for how, needed in POSTS.items() if needed in writes.get(table.authority, ())]
        for follower in table.channels:
            chosen = table.post.get(follower, possible[0] if possible else None)
            if follower != table.authority and chosen is not None:
                yield (key, follower), chosen


def _problems(settings: Settings, writes: Writes) -> Iterator[str]:
    for key, table in settings.locations.items():
        for follower, how in table.post.items():
            needed = POSTS[how]
            if needed is not None and table.authority in writes and needed not in writes[table.authority]:
                yield (
                    f"locations.{key}.post.{follower}: {table.authority} cannot do that as it is configured; expected "
                    "external, or another authority"
                )


def location(key: str, table: LocationTable) -> Location:
    """A location, as configured."""
    return Location(
        key=key,
        name=table.name,
        kind=table.kind,
        authority=table.authority,
        external_ids=dict(table.channels),
        time_zone=table.time_zone,
        address=Address(**table.address.model_dump()) if table.address else None,
        point=GeoPoint(table.point.latitude, table.point.longitude) if table.point else None,
        phone=table.phone,
        opening_hours=tuple(OpeningHours(**hours.model_dump()) for hours in table.opening_hours),
        fulfillment_methods=table.fulfillment_methods,
    )
