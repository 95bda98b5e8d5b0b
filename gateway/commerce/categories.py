"""Categories: the same path of titles is the same category, whichever channel files something under it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from gateway.model.ids import new_id
from gateway.model.values import folded
from gateway.storage import log, products
from gateway.storage.database import Connection

_SEPARATOR = "\x1f"
_LONGEST = 600  # characters in an index: PostgreSQL takes 2,704 bytes


def ensure(conn: Connection, paths: Iterable[str], now: datetime) -> dict[str, str]:
    """The ids of the categories at these paths (JSON lists of titles, from the root), made where they are missing."""
    titles = {path: tuple(json.loads(path)) for path in set(paths)}
    steps = {found[:depth] for found in titles.values() for depth in range(1, len(found) + 1)}
    if not steps:
        return {}
    keys = {step: _key(step) for step in steps}
    missing = set(keys.values()) - set(products.category_ids(conn, keys.values()))
    if missing:
        _add(conn, [step for step in sorted(steps, key=len) if keys[step] in missing], keys, now)
    ids = products.category_ids(conn, keys.values())
    return {path: ids[keys[found]] for path, found in titles.items() if found}


def _add(conn: Connection, steps: list[tuple[str, ...]], keys: dict[tuple[str, ...], str], now: datetime) -> None:
    ids = {**products.category_ids(conn, keys.values())}
    rows: list[dict[str, Any]] = []
    for step in steps:
        if keys[step] in ids:
            continue  # another spelling of the same path
        id_ = ids[keys[step]] = new_id(now)
        rows.append(
            {
                "id": id_,
                "path": keys[step],
                "handle": f"{_slug(step[-1])}-{id_[-12:]}",
                "title": step[-1],
                "parent_id": ids[keys[step[:-1]]] if len(step) > 1 else None,
                "sort_title": folded(step[-1])[:_LONGEST],
            }
        )
    products.add_categories(conn, rows)
    log.record(conn, "CATEGORY", [(row["id"], 1) for row in rows], now)


def _key(step: tuple[str, ...]) -> str:
    """What tells a category from others: bounded, because it stands in an index."""
    path = _SEPARATOR.join(map(folded, step))
    digest = hashlib.blake2b(path.encode(), digest_size=16).hexdigest()
    return path if len(path) <= _LONGEST else f"{path[: _LONGEST - 32]}{digest}"


def _slug(title: str) -> str:
    return "-".join(folded(title).split()) or "category"
