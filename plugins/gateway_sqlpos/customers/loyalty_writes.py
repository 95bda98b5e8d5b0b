"""Loyalty points and tiers that the till shows with its customers."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from gateway.sdk import ChannelError, Done, Outcome, Refused, SetLoyalty, Write
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.row_values import IdColumn, build_table
from gateway_sqlpos.till import Till, TillSession


class LoyaltyWrite(Write[SetLoyalty]):
    """Sets the points and the tier of a customer. Repeating it has no further effect."""

    of = SetLoyalty
    repeatable = True

    def __init__(self, config: SqlPosConfig, till: Till) -> None:
        self._ids, self._till = IdColumn(config.layout.integer_ids), till

    async def send(self, commands: Sequence[SetLoyalty]) -> Sequence[Outcome | ChannelError]:
        return [await self._send_command(command) for command in commands]

    async def _send_command(self, command: SetLoyalty) -> Outcome | ChannelError:
        try:
            return await self._till.write(lambda till: self._set_points(till, command))
        except ChannelError as error:
            return error

    async def find(self, command: SetLoyalty, ticket: str | None) -> Outcome | None:
        return None  # it can be sent again

    def _set_points(self, till: TillSession, command: SetLoyalty) -> Outcome:
        names = till.layout.customers
        table = build_table(names, ("id", "points", "tier"))
        values = {names.points: command.points} | ({names.tier: command.tier} if names.tier else {})
        row = self._ids.filter_among(table.c[names.id], [command.subject.id])
        if till.conn.execute(sa.select(table.c[names.id]).where(row)).first() is None:
            return Refused(code="NO_CUSTOMER", message=f"the till has no customer {command.subject.id}")
        till.conn.execute(sa.update(table).where(row).values(values))
        return Done()
