"""Import of former prices from a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway.cli.errors import CommandError
from gateway.model.money import Money
from gateway.model.validation import InvalidValueError
from gateway.runtime.database_opening import create_database
from gateway.settings.schema import Settings
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.sync.source_records import take_next_count
from gateway.storage.writes import price_history
from gateway.storage.writes.price_history import PriceSpan

COLUMNS = ("channel", "external_id", "currency", "price", "compare_at_price", "from", "until")
SHOWN_PROBLEMS = 10


@dataclass(frozen=True, slots=True)
class FormerPrice:
    """A line of the file."""

    listing: tuple[str, str]
    price: Money
    compare_at_price: Money | None
    seen_from: datetime
    seen_until: datetime


async def import_prices(settings: Settings, path: Path) -> int:
    """Import former prices. Returns how many were stored."""
    prices = read_file(path, settings, datetime.now(UTC))
    database = create_database(settings)
    try:
        return await database.write(_store_prices, prices, datetime.now(UTC))
    finally:
        await database.close()


def read_file(path: Path, settings: Settings, now: datetime) -> dict[int, FormerPrice]:
    """Read the prices of a file, by the number of the line.

    Raises:
        CommandError: the file is no such table, or a line is invalid.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise CommandError(f"{path}: expected the columns {','.join(COLUMNS)}")
            return _read_lines(((reader.line_num, row) for row in reader), settings, now)
    except (UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path} is not a CSV file in UTF-8: {error}") from error


def _read_lines(
    lines: Iterable[tuple[int, Mapping[str, str | None]]], settings: Settings, now: datetime
) -> dict[int, FormerPrice]:
    prices, problems = {}, []
    for number, row in lines:
        try:
            prices[number] = _read_line(row, settings, now)
        except InvalidValueError as error:
            problems.append(f"line {number}: {error}")
    _raise_problems(problems)
    return prices


def _raise_problems(problems: Sequence[str]) -> None:
    if problems:
        more = len(problems) - SHOWN_PROBLEMS
        raise CommandError("\n".join([*problems[:SHOWN_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]))


def _read_line(row: Mapping[str, str | None], settings: Settings, now: datetime) -> FormerPrice:
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if None in row or row.get("until") is None:
        raise InvalidValueError("line", f"expected {len(COLUMNS)} cells")
    if cells["channel"] not in settings.channels:
        raise InvalidValueError("channel", f"there is no channel {cells['channel']}")
    seen_from, seen_until = _read_time("from", cells["from"]), _read_time("until", cells["until"])
    if not seen_from < seen_until <= now:
        raise InvalidValueError("until", "expected a time after `from`, and not in the future")
    price, before = Money.of(cells["price"], cells["currency"]), cells["compare_at_price"]
    compared = Money.of(before, cells["currency"]) if before else None
    if price.minor < 0 or (compared is not None and compared.minor < 0):
        raise InvalidValueError("price", "is negative")
    return FormerPrice((cells["channel"], cells["external_id"]), price, compared, seen_from, seen_until)


def _read_time(name: str, text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidValueError(name, f"{text!r} is not a time of ISO 8601") from error
    if time.tzinfo is None:
        raise InvalidValueError(name, f"{text!r} has no offset, such as Z")
    return time.astimezone(UTC)


def _store_prices(conn: Connection, prices: Mapping[int, FormerPrice], now: datetime) -> int:
    """Store the prices up to the time from which the gateway knows them itself."""
    known = price_history.find_beginnings(conn, {price.listing for price in prices.values()})
    unknown = [(number, price.listing) for number, price in prices.items() if price.listing not in known]
    _raise_problems([f"line {number}: channel {channel} has no listing {id_}" for number, (channel, id_) in unknown])
    spans = [_cut_price(price, *known[price.listing]) for price in prices.values()]
    price_history.import_spans(conn, spans)
    version = take_next_count(conn)
    change_log.log_change(conn, "LISTING", sorted({(span.listing_id, version) for span in spans}), now)
    return len(spans)


def _cut_price(price: FormerPrice, listing_id: str, beginnings: Mapping[str, Sequence[datetime]]) -> PriceSpan:
    later = [time for time in beginnings.get(price.price.currency_code, ()) if time > price.seen_from]
    until = min([price.seen_until, *later])
    compared = None if price.compare_at_price is None else price.compare_at_price.minor
    return PriceSpan(listing_id, price.price.currency_code, price.seen_from, until, price.price.minor, compared)
