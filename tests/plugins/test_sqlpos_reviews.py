"""Reviews in a table of a till's database that the configuration names."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.sdk import Gone, InvalidValueError, ReviewRecord
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos_sandbox.seed import derive_product_id
from tests.plugins.conftest import MakeTill, OpenTill

pytestmark = pytest.mark.anyio

NAMES = {
    "table": "shop_reviews",
    "integer_ids": True,
    "title": "headline",
    "author": "nickname",
    "reply": "answer",
    "verified": "bought",
    "published": "released",
}
TEA = derive_product_id("TEA-1")
WRITTEN = datetime(2011, 2, 1, 9, 30)  # noqa: DTZ001 tills store local times
written = sa.Table(
    "shop_reviews",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("product", sa.String(255)),
    sa.Column("rating", sa.Double),
    sa.Column("headline", sa.String(255)),
    sa.Column("body", sa.String(2000)),
    sa.Column("nickname", sa.String(255)),
    sa.Column("written_at", sa.DateTime),
    sa.Column("answer", sa.String(255)),
    sa.Column("bought", sa.SmallInteger),
    sa.Column("released", sa.SmallInteger),
)


async def open_reviewed_till(open_till: MakeTill, *rows: dict[str, Any]) -> OpenTill:
    """Open a till with these reviews."""
    first = await open_till()
    await first.execute(sa.schema.CreateTable(written))
    for row in rows:
        await first.execute(sa.insert(written).values({"product": TEA, "rating": 5, "written_at": WRITTEN, **row}))
    return await open_till(layout={"reviews": NAMES})


async def test_published_reviews_are_read_with_their_texts(open_till: MakeTill) -> None:
    texts = {"headline": "Good", "body": "Strong\ntea", "nickname": "Ada", "answer": "Thanks"}
    till = await open_reviewed_till(
        open_till,
        {"id": 1, **texts, "bought": 1, "released": 1},
        {"id": 2, "rating": 2, "body": " ", "released": None},
        {"id": 3, "released": 0},
    )
    good, bad = await till.read_records("reviews")
    assert isinstance(good, ReviewRecord)
    assert (good.ref.id, good.product, good.rating, good.verified_purchase) == ("1", TEA, 5, True)
    assert (good.title, good.body, good.author, good.reply) == ("Good", "Strong\ntea", "Ada", "Thanks")
    assert good.written_at == WRITTEN.replace(tzinfo=UTC), "London, in winter"
    assert (bad.rating, bad.title, bad.body, bad.verified_purchase) == (2, None, None, False)
    assert isinstance((await till.fetch_records("reviews", "3"))["3"], Gone)


@pytest.mark.parametrize("wrong", [{"rating": 4.5}, {"rating": 0}, {"rating": 6}, {"rating": None}, {"product": None}])
async def test_a_wrong_review_is_rejected(open_till: MakeTill, wrong: dict[str, Any]) -> None:
    till = await open_reviewed_till(open_till, {"id": 1, **wrong})
    (raw,) = await till.read_items("reviews")
    with pytest.raises(InvalidValueError):
        till.read("reviews", raw)


async def test_a_till_has_no_reviews_unless_a_table_is_named(open_till: MakeTill) -> None:
    till = await open_till()
    assert "reviews" not in {feed.name for feed in till.channel.feeds}


def test_receipts_can_be_written_beside_reviews() -> None:
    given = {"url": "sqlite:///till.db", "currency": "GBP", "time_zone": "Europe/London", "layout": {"reviews": NAMES}}
    config = SqlPosConfig.model_validate({**given, "stock_movements": True, "receipts": True})
    assert config.receipts and config.diary is not None
