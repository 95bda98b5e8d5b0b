"""The composition of a running gateway. The server, the command line, tests and benchmarks all open it here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from secrets import token_hex
from typing import Any, NamedTuple

from gateway.channels.image_urls import build_image_urls
from gateway.channels.loader import LoadedChannels, open_channels
from gateway.channels.plugin_registry import Plugins, discover
from gateway.channels.rate_budget import DatabaseBucketStore
from gateway.commerce.access import audit
from gateway.commerce.access.audit import Attempt
from gateway.commerce.catalog.category_texts import build_category_texts
from gateway.commerce.catalog.survivorship import compute_digest
from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.commerce.ingest_batch import IngestRules
from gateway.commerce.privacy.keyed_values import decrypt, read_download_token
from gateway.execution.caching.cache_sizes import CacheSizes, SizedCache
from gateway.execution.caching.change_follower import ChangeFollower
from gateway.execution.caching.data_ages import DataAges
from gateway.execution.caching.known_products import KnownProducts
from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.caching.rendered_objects import RenderedObjects
from gateway.execution.caching.response_cache import ResponseCache
from gateway.execution.caching.response_templates import ResponseTemplates
from gateway.execution.cursor_sealing import CursorSealer
from gateway.execution.login.registry import LoginRegistry
from gateway.execution.persisted.store import DocumentRegistry
from gateway.execution.refusal_counter import RefusalCounter
from gateway.execution.token_registry import TokenRegistry
from gateway.model.actors import Actor
from gateway.model.catalog import Collection, ProductField
from gateway.model.channels import Channel, ChannelState, Fault, FaultCode, Resource
from gateway.model.locations import Location
from gateway.model.validation import normalize_sku
from gateway.runtime.background_tasks import BackgroundTasks
from gateway.runtime.channel_logins import ChannelLogins
from gateway.runtime.command_bus import CommandBus
from gateway.runtime.data_requests import run_requests
from gateway.runtime.database_opening import create_database
from gateway.runtime.heartbeat import Heartbeat
from gateway.runtime.live_reads import LiveReads
from gateway.runtime.login_binding import LoginBinding, SignedShopperTokens
from gateway.runtime.loyalty_points import post_points
from gateway.runtime.process import run_logged
from gateway.runtime.recognition_rules import digest_rules
from gateway.runtime.signing_secrets import find_legacy_cursor_deadline, load_secrets
from gateway.runtime.smart_collections import build_smart_collections
from gateway.runtime.storage_probe import StorageProbe
from gateway.runtime.topology_changes import TopologyChanges, prepare_topology
from gateway.runtime.topology_loading import build_selling
from gateway.sdk.policies import Prices, Related
from gateway.sdk.records import Ref
from gateway.settings.attributes import build_definitions
from gateway.settings.categories import split_path
from gateway.settings.options import build_options
from gateway.settings.problems import SettingsError
from gateway.settings.schema import Settings
from gateway.storage import api_tokens
from gateway.storage.database import Connection, Database
from gateway.storage.migrate import migrate
from gateway.storage.privacy import data_requests
from gateway.storage.reads.catalog_values import CachedValue
from gateway.storage.sync import feed_cursors
from gateway.storage.sync.feed_cursors import DELTA, SWEEP
from gateway.storage.writes.customers import rule_changes
from gateway.sync import retention, scheduler, webhook_inbox
from gateway.sync.best_sellers import count_bought_together, count_sold_units
from gateway.sync.channel_sync import ChannelSync, SyncProgress, WriteThrottle
from gateway.sync.identity_recognition import rebuild_outdated, recognize_pending
from gateway.sync.notices.delivery import NoticeDelivery, build_endpoints
from gateway.sync.payment_deadlines import expire_unpaid_orders
from gateway.sync.stock_maintenance import expire_holds_and_carts

_log = logging.getLogger(__name__)


def get_utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


MAX_CATALOG_VALUES = 50_000
"""Values of all cached facets together, and cached counts."""

CATALOG_VALUE_BYTES = 200
"""Bytes that a value of a facet takes."""


@contextlib.asynccontextmanager
async def open_gateway(
    settings: Settings,
    *,
    plugins: Plugins | None = None,
    clock: Callable[[], datetime] = get_utc_now,
    progress: Callable[[SyncProgress], None] = lambda _: None,
) -> AsyncIterator[Gateway]:
    """Open a gateway: migrate its database and open its channels.

    Raises:
        SettingsError, DatabaseUrlError, StorageUnavailableError, NewerDatabaseError, RequiredChannelError: the gateway
            cannot run; the message says what to do.
    """
    registry = discover() if plugins is None else plugins
    build_rules = _prepare_rules(settings, registry)
    prices: Prices = registry.get_policy("prices", settings.catalogue.prices)
    related: Related = registry.get_policy("related", settings.catalogue.related)
    database = create_database(settings)
    try:
        await migrate(database)
        await _check_token_names(database, settings)
        secrets = await load_secrets(settings, database)
        changes = await database.write(prepare_topology, settings, clock())
        collections = await database.write(build_smart_collections, settings.collections, clock())
        for line in changes.describe():
            _log.warning("%s", line)
        channels = await open_channels(settings, registry, clock, DatabaseBucketStore(database))
        try:
            selling = build_selling(settings, registry, channels, changes.authorities, secrets)
            rules = build_rules(channels, selling)
            if await database.write(rule_changes.apply_rules, digest_rules(settings), clock()):
                _log.warning("the rules of [customers] have changed: all customers are recognized again")
            cursors = CursorSealer(secrets, await find_legacy_cursor_deadline(settings, database))
            policies = QueryPolicies(prices, related)
            gateway = Gateway(
                settings, database, channels, rules, changes, cursors, policies, collections, clock, progress
            )
            try:
                yield gateway
            finally:
                await gateway.commands.drain(settings.server.drain)
                await gateway.flush_counts()
                await gateway.logins.close()
                await run_logged(gateway.heartbeat.stop, "end of the heartbeat")
                await run_logged(database.announce, "announcement of changes")
        finally:
            await channels.close()
    finally:
        await database.close()


async def _check_token_names(database: Database, settings: Settings) -> None:
    """Check that tokens of the configuration have other names than tokens of the database (rule X2)."""
    taken = await database.read(api_tokens.find_taken_names, list(settings.tokens))
    if taken:
        message = "a token that was created through the API has this name; choose another"
        raise SettingsError([f"tokens.{name}: {message}" for name in taken])


def _prepare_rules(settings: Settings, plugins: Plugins) -> Callable[[LoadedChannels, SellingConfig], IngestRules]:
    """Check the catalog policies first: the rest of the rules needs the open channels."""
    matching = plugins.get_policy("matching", settings.catalogue.matching)

    by_field = settings.catalogue.priority_by_field.list_configured()

    def build(channels: LoadedChannels, selling: SellingConfig) -> IngestRules:
        return IngestRules(
            priority={key: rank for rank, key in enumerate(settings.list_channels_by_priority())},
            service_codes=frozenset(normalize_sku(code) for code in settings.catalogue.services),
            prices_include_tax={
                key: channel.traits.prices_include_tax or False for key, channel in channels.open.items()
            },
            matching=matching,
            selling=selling,
            attributes=build_definitions(settings.attributes),
            field_priority={
                ProductField[field.upper()]: {
                    key: rank for rank, key in enumerate(settings.list_channels_by_priority(field))
                }
                for field in by_field
            },
            survivorship=compute_digest(settings.catalogue.priority, by_field),
        )

    return build


class QueryPolicies(NamedTuple):
    """The policies that queries follow."""

    prices: Prices
    related: Related


class Gateway:
    """A running gateway: what queries, mutations, webhooks, the command line and the background tasks work with."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        channels: LoadedChannels,
        rules: IngestRules,
        changes: TopologyChanges,
        cursors: CursorSealer,
        policies: QueryPolicies,
        collections: Mapping[str, Collection],
        clock: Callable[[], datetime],
        progress: Callable[[SyncProgress], None],
    ) -> None:
        self.settings = settings
        self.database = database
        self.write_throttle = WriteThrottle(database)
        self.prices, self.related, self.cursors = policies.prices, policies.related, cursors
        self.collections = collections
        self.image_urls = build_image_urls(settings, channels)
        self.now = clock
        self.registry = DocumentRegistry(database, clock)
        self.tokens = TokenRegistry(database, settings.tokens, clock)
        self.logins = LoginRegistry(
            settings.login,
            LoginBinding(database, rules.selling, clock),
            SignedShopperTokens(rules.selling.secrets),
            clock,
        )
        caching, self.changes_seen = settings.server.caching, ChangeFollower(database)
        self.responses = ResponseCache(database, self.changes_seen, caching.response_megabytes, clock)
        self.rendered = RenderedObjects(self.changes_seen, caching.rendered_megabytes, clock)
        self.templates = ResponseTemplates(
            database, self.changes_seen, self.rendered, caching.rendered_megabytes, clock
        )
        self.known_products = KnownProducts(self.changes_seen, caching.product_megabytes, clock)
        self.data_ages = DataAges(database)
        self.catalog_values: WeightedLRU[CachedValue[Any]] = WeightedLRU(MAX_CATALOG_VALUES)
        values = SizedCache("facets", (self.catalog_values,), CATALOG_VALUE_BYTES)
        own = (self.responses, self.rendered, self.templates, self.known_products)
        self.cache_sizes = CacheSizes([*(cache.measure() for cache in own), values])
        self.cache_sizes.add([self.logins.measure()] if settings.login else ())
        self.refusals = RefusalCounter(database, clock, rules.selling.secret)
        self.channels: Mapping[str, Channel] = channels.models
        self.rules, self.selling, self.attributes = rules, rules.selling, rules.attributes
        self.options = build_options(settings.options, rules.attributes)
        self.category_texts = build_category_texts(
            {split_path(path): table.build_texts() for path, table in settings.categories.items()}
        )
        self.topology_changes, self.removed_channels = changes, changes.removed_channels
        self.locations: Mapping[str, Location] = rules.topology.locations
        self.channel_syncs: Mapping[str, ChannelSync] = {
            key: ChannelSync(
                database, self.write_throttle, channel, settings.channels[key], rules, clock, progress=progress
            )
            for key, channel in channels.open.items()
        }
        self.is_shutting_down = False
        self._has_outdated = True  # customers, as far as is known
        self._is_ready = False
        self.storage_probe = StorageProbe(database)
        self.process_id = token_hex(8)
        self.heartbeat = Heartbeat(database, self.process_id, settings.channels, clock)
        self.channel_logins = ChannelLogins(database, self.channel_syncs, clock)
        self.live_reads = LiveReads(database, self.channel_syncs, clock)
        self.notices = NoticeDelivery(database, build_endpoints(settings.webhooks), rules.selling, clock)
        self.background = BackgroundTasks(self)
        self.commands = CommandBus(database, self.channel_syncs, self.background.wake_outbox)

    # ---------------------------------------------------------------------------------------------------- webhooks

    def has_webhooks(self, channel: str) -> bool:
        """Return whether the channel sends webhooks."""
        sync = self.channel_syncs.get(channel)
        return sync is not None and sync.channel.webhooks is not None

    async def receive_webhook(self, channel: str, headers: Mapping[str, str], body: bytes) -> None:
        """Verify and store a webhook delivery. A duplicate has no effect.

        Raises:
            ForgedError: the signature is wrong (or, StaleError, too old).
            ChannelError: the delivery cannot be verified now.
        """
        if await webhook_inbox.receive_delivery(self.channel_syncs[channel], headers, body):
            self.wake(channel)

    async def subscribe_webhooks(self, channel: str) -> None:
        """Subscribe to the channel's webhooks, if the gateway's public URL is configured."""
        sync, address = self.channel_syncs[channel], self.settings.server.public_url
        if address is not None:
            url = f"{address.rstrip('/')}/webhooks/{channel}"
            await sync.channel.subscribe(url, sync.table.call_deadline)

    # -------------------------------------------------------------------------------------------------------- sync

    async def run_due(self) -> None:
        """Do everything that is due now, in every channel, until nothing is."""
        while True:
            read = any(await scheduler.run_channels(self.channel_syncs.values(), self.process_id))
            await scheduler.stamp_log(self.write_throttle)
            written = await self._run_writes()
            if not (read or written):
                break
        await scheduler.stamp_log(self.write_throttle)
        await self.post_loyalty_points()
        await self.check_ready()

    async def _run_writes(self) -> bool:
        """Run what is due from the gateway to the channels. Returns whether anything was."""
        expired = await expire_holds_and_carts(self.database, self.now())
        expired |= await expire_unpaid_orders(self.database, self.selling, self.now())
        expired |= await self.recognize_customers()
        expired |= await self.run_data_requests()
        sent = await asyncio.gather(*(scheduler.run_writes(sync) for sync in self.channel_syncs.values()))
        expired |= await self.notices.deliver_due()
        return expired or any(sent)

    async def check_ready(self) -> bool:
        """Return whether the first sync of all required channels is complete (rule S10). Once true, it stays true."""
        if not self._is_ready:
            required = [key for key, table in self.settings.channels.items() if table.required]
            self._is_ready = await scheduler.store_ready(self.database, required, self.now())
            self.write_throttle.is_throttled |= self._is_ready
        return self._is_ready

    async def prove_storage(self) -> None:
        """Prove that the database can be written.

        Raises:
            StorageUnavailableError: it cannot.
        """
        await self.storage_probe.prove()

    def start_shutdown(self) -> None:
        """Report this process as not ready for new requests."""
        self.is_shutting_down = True

    async def request_sync(self, channel: str, *, sweep: bool = False, accept_absent: bool = False) -> None:
        """Make the channel's feeds due now.

        Args:
            sweep: read all records, which also detects deletions.
            accept_absent: treat records that a sweep does not find as deleted, however many they are.
        """
        for feed in self.channel_syncs[channel].channel.feeds.values():
            for kind in (DELTA, SWEEP) if sweep or accept_absent else (DELTA,):
                await self.database.write(feed_cursors.make_cursor_due, channel, feed.name, kind, self.now())
        if accept_absent:
            await self.database.write(feed_cursors.accept_absent, channel)
        self.wake(channel)

    def wake(self, channel: str) -> None:
        """Run the channel's sync now."""
        self.background.wake_sync(channel)

    async def record_denials(self, actor: Actor, denials: Sequence[tuple[str, str]], request_id: str | None) -> None:
        """Record mutations that were denied before they began, with the code of each."""
        now = self.now()

        def record(conn: Connection) -> None:
            for action, code in denials:
                attempt = Attempt(actor=actor, action=action, subject_type=None, request_id=request_id)
                audit.record_denial(conn, attempt, code, now)

        await run_logged(partial(self.database.write, record), "recording of denied mutations")

    async def flush_counts(self) -> None:
        """Store what this process counts in memory: uses of documents and tokens, and refusals."""
        await run_logged(self.registry.flush_usage, "storing of document usage")
        await run_logged(self.tokens.flush_usage, "storing of token usage")
        await run_logged(self.refusals.flush, "storing of refusals")

    async def log_caches(self) -> None:
        """Log what the caches of this process take."""
        _log.info("caches: %s", self.cache_sizes.describe())

    async def recognize_customers(self) -> bool:
        """Recognize the identities that wait for it. Returns whether there were any. The first call rebuilds outdated
        customers, which takes as long as all customers are.
        """
        if self._has_outdated:
            await rebuild_outdated(self.database, self.selling.customers, self.now())
            self._has_outdated = False
        return await recognize_pending(self.database, self.selling.customers, self.now())

    async def run_data_requests(self) -> bool:
        """Run the exports and erases that are due. Returns whether any has advanced."""
        context = SellingContext(self.selling, self.now())
        return await run_requests(self.database, self._reread, context)

    async def read_export(self, token: str) -> bytes | None:
        """Return the file of an export. None: there is none, or not any more."""
        request_id = read_download_token(self.selling, token)
        if request_id is None:
            return None
        content = await self.database.read(data_requests.find_file, request_id, self.now())
        return None if content is None else decrypt(self.selling, content)

    async def _reread(self, channel: str, resource: Resource, refs: Sequence[Ref], deadline: timedelta) -> Fault | None:
        """Read records of a channel again. Returns why that failed."""
        if not self.live_reads.can_refresh(channel, resource):
            message = "the channel is not open, or cannot read single records"
            return Fault(code=FaultCode.UNSUPPORTED, retryable=False, occurred_at=self.now(), message=message)
        return await self.live_reads.refresh(channel, resource, refs, deadline)

    async def post_loyalty_points(self) -> None:
        """Post the points that orders and time have changed."""
        await post_points(self.write_throttle, SellingContext(self.selling, self.now()))

    async def count_sold_units(self) -> None:
        """Count the units that products have sold, for the order of best sellers, and which are bought together."""
        await count_sold_units(self.database, self.now())
        await count_bought_together(self.database, self.now())

    async def purge_expired(self) -> None:
        """Delete what is older than its retention (rule V1)."""
        await retention.purge_expired(self.database, self.settings.retention, SellingContext(self.selling, self.now()))


def list_failures(channels: Iterable[Channel]) -> list[str]:
    """Return why channels could not be opened, a line each."""
    return [channel.failure for channel in channels if channel.state is ChannelState.FAILED and channel.failure]
