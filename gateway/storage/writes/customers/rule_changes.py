"""Changes of the rules by which customers are recognized: after one, all identities wait to be recognized again."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.storage.sql.bulk import upsert_rows
from gateway.storage.tables import facts, identities

_NAME = "recognition_rules"


def apply_rules(conn: Connection, digest: str, now: datetime) -> bool:
    """Let all identities wait if the rules differ from those of before. Returns whether they do.

    Args:
        digest: of the rules.
    """
    former = conn.scalar(sa.select(facts.c.value).where(facts.c.name == _NAME).with_for_update())
    if former == digest:
        return False
    upsert_rows(conn, facts, [{"name": _NAME, "value": digest}], ["name"])
    if former is None:  # the migration lets them wait
        return False
    waiting = sa.update(identities).where(identities.c.pending_since.is_(None), identities.c.erased_at.is_(None))
    conn.execute(waiting.values(pending_since=now))
    return True
