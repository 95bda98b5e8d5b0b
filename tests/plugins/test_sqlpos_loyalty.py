"""A till whose customers have columns of points and tiers shows those of the gateway."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from gateway.sdk import ChannelError, Done, Outcome, Ref, Refused, SetLoyalty
from gateway.storage import tables
from gateway_sqlpos.config import SqlPosConfig
from tests.plugins.sqlpos_gateway import open_till_testbed

pytestmark = pytest.mark.anyio

COLUMNS = [sa.text(f"ALTER TABLE customers ADD COLUMN {column}") for column in ("points INTEGER", "tier VARCHAR(40)")]
CONFIG: dict[str, Any] = {"loyalty": True, "layout": {"customers": {"points": "points", "tier": "tier"}}}


async def test_points_are_written_and_read_again(till_url: str, tmp_path: Path) -> None:
    async with open_till_testbed(till_url, tmp_path, prepared=COLUMNS, **CONFIG) as testbed:
        identities = sa.select(tables.identities).where(tables.identities.c.channel == "till")
        (first, *_) = await testbed.gateway.database.read(lambda conn: conn.execute(identities).all())
        assert first.loyalty_points is None

        async def send(customer: str, key: str) -> Outcome | ChannelError:
            command = SetLoyalty(key=key, subject=Ref(customer), points=32, tier="gold")
            (outcome,) = await testbed.channel.send([command], timedelta(seconds=10))
            return outcome

        assert await send(first.external_id, "a") == Done() == await send(first.external_id, "a")
        refused = await send("unknown-customer", "b")
        assert isinstance(refused, Refused) and refused.code == "NO_CUSTOMER"
        await testbed.gateway.request_sync("till", sweep=True)
        await testbed.gateway.run_due()
        read = identities.where(tables.identities.c.id == first.id)
        (row,) = await testbed.gateway.database.read(lambda conn: conn.execute(read).all())
        assert (row.loyalty_points, row.loyalty_tier) == (32, "gold")


def test_points_need_a_column() -> None:
    with pytest.raises(ValidationError, match=r"layout\.customers\.points"):
        SqlPosConfig(url="sqlite:///till.db", currency="GBP", time_zone="Europe/London", loyalty=True)  # type: ignore[arg-type]
