"""The database of a till, with its tables as it names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.database import TillDatabase, bind_date
from gateway_sqlpos.table_mapping import Layout
from gateway_sqlpos.till_schema import TillSchema, read_schema, resolve_layout

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TillSession:
    """A transaction in the database of a till.

    Attributes:
        layout: The configured layout, in the spelling of the database.
        zone: Time zone of the till's local times.
        units: Units of measure by category, as configured.
        references: Columns of the table of customers with their IDs elsewhere, by channel or system, as configured.
    """

    conn: Connection
    schema: TillSchema
    layout: Layout
    zone: ZoneInfo
    units: Mapping[str, str]
    references: Mapping[str, str]
    _loaded: dict[Callable[[TillSession], Any], Any] = field(default_factory=dict, repr=False, compare=False)

    def load_once(self, load: Callable[[TillSession], T]) -> T:
        """Return what this function has loaded in this session: whatever a page needs of it, it is loaded once."""
        if load not in self._loaded:
            self._loaded[load] = load(self)
        loaded: T = self._loaded[load]
        return loaded

    def define_table(self, name: str, *columns: str) -> sa.TableClause:
        """Define a table of the built-in layout. A column that the till does not have is left out."""
        table = self.schema.find_table(name) or name
        if table not in self.schema.tables:
            return sa.table(table, *map(sa.column, columns))
        return sa.table(table, *(sa.column(name) for name in columns if self.schema.find_column(table, name)))

    def bind_date(self, table: str, column: str, local: datetime) -> sa.BindParameter[Any]:
        """Bind a local time for a column of dates."""
        if self.schema.is_instant(table, column):
            local = local.replace(tzinfo=self.zone, fold=1).astimezone(UTC).replace(tzinfo=None)
        return bind_date(self.conn, local)

    def format_date(self, table: str, column: str, text: Any) -> Any:
        """Return the text of a date of a column in local time; that of an instant with its offset."""
        if not self.schema.is_instant(table, column):
            return text
        try:
            instant = datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
        except ValueError:
            return text
        return instant.astimezone(self.zone).isoformat(" ")


class Till:
    """Runs functions over sessions of a till. Before the first one, the names of its tables and the configured rows
    are read.
    """

    def __init__(
        self,
        config: SqlPosConfig,
        database: TillDatabase,
        check: Callable[[TillSession], None],
        references: Mapping[str, str],
    ) -> None:
        self._config, self._database, self._check, self._references = config, database, check, references
        self._schema: TillSchema | None = None

    async def read(self, work: Callable[[TillSession], T]) -> T:
        """See `TillDatabase.read`."""
        return await self._database.read(lambda conn: self._run(conn, work))

    async def write(self, work: Callable[[TillSession], T]) -> T:
        """See `TillDatabase.write`."""
        return await self._database.write(lambda conn: self._run(conn, work))

    def _run(self, conn: Connection, work: Callable[[TillSession], T]) -> T:
        """Run a function. After an error of the database, its tables are read again: it may have been upgraded."""
        schema = self._schema
        try:
            session = self._open_session(conn, schema or read_schema(conn))
            if schema is None:
                self._check(session)
                self._schema = session.schema
            return work(session)
        except sa.exc.DBAPIError:
            self._schema = None
            raise

    def _open_session(self, conn: Connection, schema: TillSchema) -> TillSession:
        layout = resolve_layout(schema, self._config.layout)
        return TillSession(conn, schema, layout, ZoneInfo(self._config.time_zone), self._config.units, self._references)

    async def close(self) -> None:
        """Release all connections."""
        await self._database.close()
