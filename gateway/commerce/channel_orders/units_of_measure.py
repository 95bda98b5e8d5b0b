"""Units of measure of order lines: a line keeps the unit in which it was sold (rule O7).

A listing whose unit changes gets another generation, so the unit of a stored line is that of its listing. A line that
is read in another unit keeps its quantity and price: the same sale as 6 pieces and as 6,000 grams would move 5,994
units. What was shipped and returned of it is converted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from operator import mul

from gateway.commerce.ingest_batch import IngestBatch
from gateway.sdk.records import OrderLineRecord, OrderRecord
from gateway.storage.writes.orders import OrderLineRow, dump_locations

LineKey = tuple[str, str]
"""The key of a line: ID of the order, and ID of the line in the channel."""


@dataclass(frozen=True, slots=True)
class UnitsOfMeasure:
    """Units of measure of a channel's variants, by generation."""

    generations: Mapping[str, Mapping[int, str]]

    def choose_generation(self, line: OrderLineRecord, former: OrderLineRow | None) -> int:
        """Choose the generation of the variant that a line sells. A stored line keeps its own."""
        if former is None or former.variant != line.variant:
            return self._find_generation(line)
        is_same_unit = line.unit_of_measure in (None, self.find_unit(former))
        return former.generation if is_same_unit else self._find_generation(line)

    def _find_generation(self, line: OrderLineRecord) -> int:
        """Find the latest generation in the unit of a line; if there is none, the next one: the channel lists the
        product in this unit, and the catalog does not show it yet.
        """
        listed = self.generations.get(line.variant or "", {})
        same = [number for number, unit in listed.items() if line.unit_of_measure in (None, unit)]
        return max(same) if same else 1 + max(listed, default=0)

    def find_unit(self, row: OrderLineRow) -> str | None:
        """Find the unit of measure of a stored line; None: the catalog did not contain its variant yet."""
        return self.generations.get(row.variant or "", {}).get(row.generation)

    def find_read_unit(self, line: OrderLineRecord) -> str | None:
        """Find the unit of measure in which a line is read; None: the catalog does not contain its variant."""
        listed = self.generations.get(line.variant or "", {})
        return line.unit_of_measure or (listed[max(listed)] if listed else None)


@dataclass(frozen=True, slots=True)
class RemeasuredLine:
    """A line that is read in another unit of measure than it was sold in."""

    line: OrderLineRecord
    former: OrderLineRow
    units: tuple[str, str]

    @property
    def problem(self) -> str | None:
        """What an operator must look at; None: nothing that counts units of the sale has changed but the unit."""
        if self._is_same_sale and self._convert() is not None:
            return None
        sold, read = self.units
        return f"line {self.former.external_id}: was changed, and is read in {read}, but was sold in {sold}"

    @property
    def retained(self) -> OrderLineRow:
        """The line in the unit in which it was sold, with what was shipped and returned since, if it has no problem."""
        converted = self._convert() if self._is_same_sale else None
        return converted or self.former

    @property
    def _is_same_sale(self) -> bool:
        amount, former = None if self.line.total is None else self.line.total.minor, self.former
        is_same_amount = bool(amount) or self.line.quantity == former.quantity
        return is_same_amount and (self.line.variant, amount) == (former.variant, former.total)

    def _convert(self) -> OrderLineRow | None:
        """Convert what became of the units to the unit in which they were sold; None: it is no whole number."""
        line, former = self.line, self.former
        if not line.quantity:
            return None if former.quantity else former
        convert = partial(mul, Fraction(former.quantity, line.quantity))
        counts = [*map(convert, (line.fulfilled_quantity, line.returned_quantity, line.restocked_quantity))]
        shares = [
            {share.location: convert(share.quantity) for share in shared}
            for shared in (line.locations, line.restocked_locations)
        ]
        if any(units.denominator != 1 for units in (*counts, *shares[0].values(), *shares[1].values())):
            return None
        fulfilled, returned, restocked = map(int, counts)
        locations, restocked_locations = (
            dump_locations({key: int(units) for key, units in share.items()}) for share in shares
        )
        return replace(
            former,
            place=line.place,
            fulfilled_quantity=fulfilled,
            returned_quantity=returned,
            restocked_quantity=restocked or None,
            locations=locations,
            restocked_locations=restocked_locations,
        )


def find_remeasured(
    batch: IngestBatch[OrderRecord], former: Mapping[LineKey, OrderLineRow], units: UnitsOfMeasure
) -> dict[LineKey, RemeasuredLine]:
    """Find the lines that are read in another unit of measure than they were sold in."""
    return {
        (ingested.source_id, line.former.external_id): line
        for ingested in batch.records
        for line in _compare_units(ingested.source_id, ingested.record, former, units)
    }


def _compare_units(
    order_id: str, record: OrderRecord, former: Mapping[LineKey, OrderLineRow], units: UnitsOfMeasure
) -> Iterator[RemeasuredLine]:
    for line in record.lines:
        row = former.get((order_id, line.ref.id))
        sold, read = None if row is None else units.find_unit(row), units.find_read_unit(line)
        if row is not None and sold is not None and read is not None and sold != read:
            yield RemeasuredLine(line, row, (sold, read))
