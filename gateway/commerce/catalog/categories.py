"""Categories: the same path of titles is the same category in all channels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.model.ids import derive_id, get_digits
from gateway.model.validation import MAX_KEY_LENGTH, fold
from gateway.storage import change_log
from gateway.storage.database import Connection
from gateway.storage.writes import products
from gateway.storage.writes.products import CategoryRow

_PATH_SEPARATOR = "\x1f"


def ensure_categories(
    conn: Connection, used: Collection[str], named: Iterable[str], now: datetime
) -> dict[str, Sequence[str]]:
    """Ensure the categories at these paths (JSON lists of titles, from the root).

    Returns the IDs of all categories of each path that is not empty, from the root.

    Args:
        used: paths of products.
        named: paths of channel products. Their categories are not listed before a product is in them, but their ids
            are known (rule H1).
    """
    titles = {path: tuple(json.loads(path)) for path in {*used, *named}}
    keys = {step: build_key(step) for path_titles in titles.values() for step in _list_steps(path_titles)}
    if not keys:
        return {}
    used_keys = {keys[step] for path in used for step in _list_steps(titles[path])}
    known = products.find_categories(conn, keys.values())
    missing = [step for step in sorted(keys, key=len) if keys[step] not in known]
    if missing:
        _insert_missing(conn, missing, keys, used_keys, now)
    _mark_used(conn, [row for key, row in known.items() if key in used_keys and not row.used], now)
    ids = {key: row.id for key, row in (products.find_categories(conn, keys.values()) if missing else known).items()}
    return {path: [ids[keys[step]] for step in _list_steps(titles[path])] for path in titles if titles[path]}


def _mark_used(conn: Connection, rows: Sequence[CategoryRow], now: datetime) -> None:
    if rows:
        products.mark_categories_used(conn, [row.id for row in rows])
        change_log.log_change(conn, "CATEGORY", [(row.id, 2) for row in rows], now)


def _list_steps(titles: tuple[str, ...]) -> list[tuple[str, ...]]:
    """List the paths of a category's ancestors and its own, from the root."""
    return [titles[:depth] for depth in range(1, len(titles) + 1)]


def _insert_missing(
    conn: Connection,
    steps: Iterable[tuple[str, ...]],
    keys: Mapping[tuple[str, ...], str],
    used: Collection[str],
    now: datetime,
) -> None:
    ids = {key: row.id for key, row in products.find_categories(conn, keys.values()).items()}
    rows: list[dict[str, Any]] = []
    for step in steps:
        if keys[step] in ids:
            continue  # another spelling of the same path
        id_ = ids[keys[step]] = derive_id("category", keys[step])
        rows.append(
            {
                "id": id_,
                "path": keys[step],
                "handle": f"{_build_slug(step[-1])}-{get_digits(id_)}",
                "title": step[-1],
                "parent_id": ids[keys[step[:-1]]] if len(step) > 1 else None,
                "sort_title": fold(step[-1])[:MAX_KEY_LENGTH],
                "used": keys[step] in used,
            }
        )
    products.insert_categories(conn, rows)
    change_log.log_change(conn, "CATEGORY", [(row["id"], 1) for row in rows], now)


def build_key(step: tuple[str, ...]) -> str:
    """Build the unique key of a category, bounded because it is indexed."""
    path = _PATH_SEPARATOR.join(map(fold, step))
    digest = hashlib.blake2b(path.encode(), digest_size=16).hexdigest()
    return path if len(path) <= MAX_KEY_LENGTH else f"{path[: MAX_KEY_LENGTH - 32]}{digest}"


def _build_slug(title: str) -> str:
    return "-".join(fold(title).split()) or "category"
