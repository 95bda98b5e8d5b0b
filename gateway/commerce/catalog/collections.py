"""Collection ingest: collections of one channel, which are never matched with those of others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, dataclass, field, replace

from gateway.commerce.catalog.handles import build_slug, extend_handle
from gateway.commerce.ingest_batch import IngestBatch, IngestedRecord
from gateway.model.content import ProductText
from gateway.model.ids import derive_id
from gateway.model.validation import MAX_KEY_LENGTH, fold
from gateway.sdk.collections import CollectionRecord
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json
from gateway.storage.sql.media_json import dump_image
from gateway.storage.sync.id_namespaces import ensure_namespace
from gateway.storage.writes import collections, listings
from gateway.storage.writes.collections import CollectionRow, MemberRow

FIRST_GENERATION = 1


@dataclass(slots=True)
class CollectionChanges:
    """The collections that a batch changes, by ID.

    Attributes:
        before: as they were stored.
        after: as they are to be stored.
        replaced: those that were gone and that the channel has again: they are others now (rule S5), whose IDs these
            are.
    """

    before: dict[str, CollectionRow]
    after: dict[str, CollectionRow] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)


def ingest_collections(conn: Connection, batch: IngestBatch[CollectionRecord]) -> None:
    """Apply the collection records of one channel. A member that the gateway does not have waits for its product."""
    listings.lock_catalog(conn)  # members and products are joined by the transaction that stores the later one
    changes, members = _build_changes(conn, batch)
    changed_members = collections.store_members(conn, {*changes.before, *changes.after}, members)
    _settle_handles(conn, batch, changes)
    changed = [row for id_, row in changes.after.items() if row != changes.before.get(id_) or id_ in changed_members]
    for row in changed:
        row.version, row.updated_at = row.version + 1, batch.now
    collections.delete_collections(conn, changes.replaced)
    collections.store_collections(conn, changed, changes.before)
    collections.refresh_products_of_collections(conn, changed_members)
    removed = [(id_, changes.before[id_].version + 1) for id_ in changes.replaced]
    change_log.log_change(conn, "COLLECTION", [*((row.id, row.version) for row in changed), *removed], batch.now)


def _build_changes(
    conn: Connection, batch: IngestBatch[CollectionRecord]
) -> tuple[CollectionChanges, Sequence[MemberRow]]:
    """Build the rows of the batch's collections and of those that were removed, and of all their members."""
    ids = [ingested.record.ref.id for ingested in batch.records]
    stored = collections.find_collections(conn, batch.channel, ids)
    removed = collections.find_collections_of_sources(conn, batch.removed)
    changes = CollectionChanges({row.id: row for row in (*stored.values(), *removed)})
    changes.after = {row.id: replace(row, gone=True) for row in removed}
    members: list[MemberRow] = []
    for ingested in batch.records:
        row = _build_row(conn, batch, ingested, stored.get(ingested.record.ref.id), changes)
        changes.after[row.id] = row
        members += _build_members(row, ingested.record.products)
    return changes, members


def _build_row(
    conn: Connection,
    batch: IngestBatch[CollectionRecord],
    ingested: IngestedRecord[CollectionRecord],
    former: CollectionRow | None,
    changes: CollectionChanges,
) -> CollectionRow:
    id_, generation = _choose_id(conn, batch.channel, ingested.record.ref.id, former)
    if former is not None and former.id != id_:
        changes.replaced[former.id] = id_
        former = None
    row = _describe_record(ingested.record, id_, former)
    row.source_id, row.channel, row.generation = ingested.source_id, batch.channel, generation
    row.updated_at = batch.now if former is None else former.updated_at
    return row


def _describe_record(record: CollectionRecord, id_: str, former: CollectionRow | None) -> CollectionRow:
    made = extend_handle(build_slug(record.title, "collection"), id_) if former is None else former.handle
    return CollectionRow(
        id=id_,
        external_id=record.ref.id,
        handle=record.handle or made,
        handle_claim=record.handle,
        title=record.title,
        sort_title=fold(record.title)[:MAX_KEY_LENGTH],
        texts=dump_json([list(astuple(text)) for text in _list_texts(record)]),
        image=dump_image(record.image),
        version=0 if former is None else former.version,
    )


def _choose_id(conn: Connection, channel: str, external_id: str, former: CollectionRow | None) -> tuple[str, int]:
    """Return the ID and the generation of a collection: the same in every database (rule H1).

    A derived ID that is taken is that of an earlier generation.
    """
    if former is not None and not former.gone:
        return former.id, former.generation
    generation = FIRST_GENERATION if former is None else former.generation + 1
    namespace = ensure_namespace(conn, channel)
    while True:
        id_ = derive_id("Collection", namespace, external_id, generation)
        if not collections.find_taken_ids(conn, [id_]):
            return id_, generation
        generation += 1


def _list_texts(record: CollectionRecord) -> list[ProductText]:
    """List the texts of a record, its own first. What a translation leaves out is as in the channel's own language."""
    own = ProductText(
        locale=record.locale or "",
        title=record.title,
        description=record.description,
        html=record.description_html,
        seo_title=record.seo_title,
        seo_description=record.seo_description,
    )
    translations = [text for text in record.translations if text.locale != record.locale]
    return [own, *(_fill_text(text, own) for text in translations)]


def _fill_text(text: ProductText, own: ProductText) -> ProductText:
    html = own.html if text.html is None and not text.description else text.html
    return replace(text, title=text.title or own.title, description=text.description or own.description, html=html)


def _build_members(row: CollectionRow, products: Sequence[str]) -> Iterable[MemberRow]:
    return (MemberRow(row.id, id_, row.channel, position) for position, id_ in enumerate(products))


# ------------------------------------------------------------------------------------------------ handles


def _settle_handles(conn: Connection, batch: IngestBatch[CollectionRecord], changes: CollectionChanges) -> None:
    """Settle which collection has a handle that several of the channel claim (rule H2): the first by its external ID.
    The others get digits. Former handles are added.
    """
    rows = (*changes.before.values(), *changes.after.values())
    claims = {row.handle_claim for row in rows if row.handle_claim is not None}
    outside = [row for row in collections.find_claimants(conn, batch.channel, claims) if row.id not in changes.before]
    changes.before |= {row.id: replace(row) for row in outside}
    claimants = [*outside, *changes.after.values()]
    for claim in claims:
        _share_handle(claim, [row for row in claimants if row.handle_claim == claim and not row.gone])
    changes.after |= {row.id: row for row in outside if row != changes.before[row.id]}
    _keep_former_handles(conn, batch, changes)


def _share_handle(claim: str, claimants: Collection[CollectionRow]) -> None:
    for number, row in enumerate(sorted(claimants, key=lambda row: row.external_id)):
        row.handle = extend_handle(claim, row.id) if number else claim


def _keep_former_handles(conn: Connection, batch: IngestBatch[CollectionRecord], changes: CollectionChanges) -> None:
    """Add the handles that collections had, also those that have another ID now."""
    current = {id_: changes.after.get(changes.replaced.get(id_, id_)) for id_ in changes.before}
    replaced = [
        replace(changes.before[id_], id=row.id)
        for id_, row in current.items()
        if row is not None and row.handle != changes.before[id_].handle
    ]
    for old, new in changes.replaced.items():
        collections.move_former_handles(conn, old, new)
    collections.add_former_handles(conn, replaced, batch.now)
