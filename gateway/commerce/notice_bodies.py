"""Bodies of notices: built when a notice is sent, so that no token is stored and nothing is sent that is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.commerce.config import SellingConfig
from gateway.commerce.consents.confirmations import describe_requests
from gateway.model.notices.kinds import NoticeKind
from gateway.storage.database import Connection
from gateway.storage.sync.notices import Notice

Body = Mapping[str, Any]
Describe = Callable[[Connection, Sequence[Mapping[str, str]], SellingConfig], Sequence[Mapping[str, Any] | None]]
"""Describes what notices of a kind are about, in the order of their ids. None: there is nothing to send any more."""

_DESCRIBERS: Mapping[NoticeKind, Describe] = {
    NoticeKind.CONSENT_CONFIRMATION_REQUESTED: describe_requests,
}


def build_bodies(conn: Connection, notices: Sequence[Notice], config: SellingConfig) -> Mapping[str, Body]:
    """Build the bodies of notices, by the ID of the notice. Those that are over have none."""
    bodies: dict[str, Body] = {}
    for kind in {notice.kind for notice in notices}:
        some = [notice for notice in notices if notice.kind is kind]
        described = _DESCRIBERS[kind](conn, [notice.ids for notice in some], config)
        for notice, data in zip(some, described, strict=True):
            if data is not None:
                bodies[notice.id] = {"kind": kind.value, "version": notice.version, "data": data}
    return bodies
