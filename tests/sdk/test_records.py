"""Records: what their constructors check, because nothing checks it later."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.model.validation import MAX_MESSAGE_LENGTH, MAX_QUANTITY
from gateway.sdk import InvalidValueError, OrderRecord, Ref, StockRecord
from gateway.sdk.record_fields import RecordWarning
from gateway.sdk.records import RejectedLine

PLACED_AT = datetime(2025, 1, 6, 12, tzinfo=UTC)


def build_order(**fields: Any) -> OrderRecord:
    return OrderRecord(**{"ref": Ref("1"), "number": "1", "placed_at": PLACED_AT, "lines": (), **fields})


def build_stock(**fields: Any) -> StockRecord:
    return StockRecord(ref=Ref("1"), item="1", place="shop", **fields)


def test_what_a_warning_quotes_can_be_stored() -> None:
    quoted = "nul \0, half \ud800, long " + "x" * 5_000
    texts = [
        *list_texts(RecordWarning(quoted, quoted), "field", "reason"),
        *list_texts(RejectedLine(quoted, quoted, quoted), "id", "field", "reason"),
    ]
    for text in texts:
        assert "\0" not in text and len(text) <= MAX_MESSAGE_LENGTH
        text.encode()


def list_texts(value: object, *names: str) -> list[str]:
    return [getattr(value, name) for name in names]


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "OPEN"},
        {"fulfillment_status": None},
        {"payment_status": "PAID"},
        {"return_status": 1},
        {"tax_included": "yes"},
        {"stock_posted": 1},
        {"warnings": ["text"]},
        {"rejected_lines": ["text"]},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_value_of_another_type_rejects_the_order(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidValueError):
        build_order(**fields)


def test_a_contact_of_another_type_is_dropped() -> None:
    order = build_order(contact={"name": "Ada"})
    assert (order.contact, [warning.field for warning in order.warnings]) == (None, ["contact"])


@pytest.mark.parametrize("available", [-MAX_QUANTITY, 0, 5, MAX_QUANTITY])
def test_units_on_hand_are_a_number_that_clients_can_read(available: int) -> None:
    """`onHand` is a GraphQL Int."""
    room = MAX_QUANTITY - max(0, available)
    assert build_stock(available=available, committed=room).warnings == ()
    too_many = build_stock(available=available, committed=room + 1)
    assert (too_many.base, [warning.field for warning in too_many.warnings]) == (available, ["committed"])
