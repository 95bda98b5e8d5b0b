"""Tables and columns of a till's database, as it names them.

Openbravo POS and Chromis have UPPERCASE tables, uniCenta oPOS lowercase ones. On MariaDB for Linux, the case matters.
Columns differ between versions: what a till does not have is left out of the layout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.sdk import Config
from gateway_sqlpos.table_mapping import Layout

T = TypeVar("T", bound=Config)

_QUERIES = {
    "sqlite": "SELECT t.name, c.name, lower(c.type), CASE WHEN c.\"notnull\" THEN 'NO' ELSE 'YES' END "
    "FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type IN ('table', 'view')",
    "postgresql": "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
    "WHERE table_schema = ANY (current_schemas(false))",
    "mysql": "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns "
    "WHERE table_schema = database()",
}
"""Name of the table, name and type of the column, and whether it may be null. Servers list the columns that the user
may read or write.
"""

_INSTANT_TYPE = "timestamp"
"""Type of a column of instants in MariaDB; in PostgreSQL, the driver returns them with their zone."""


@dataclass(frozen=True, slots=True)
class TillSchema:
    """The tables of a database.

    Attributes:
        tables: Types of columns by name, by table.
        required: Columns that cannot be null, with their tables.
    """

    tables: Mapping[str, Mapping[str, str]]
    has_instants: bool = False
    required: Set[tuple[str, str]] = frozenset()

    def find_table(self, name: str) -> str | None:
        """Return the name of a table in the spelling of the database; None if there is none."""
        return _find_spelling(name, self.tables)

    def find_column(self, table: str, name: str) -> str | None:
        """Return the name of a column in the spelling of the database; None if there is none."""
        return _find_spelling(name, self.tables.get(table, {}))

    def is_required(self, table: str, column: str) -> bool:
        """Whether a column cannot be null, as far as is known: so is any of a table of another schema."""
        return table not in self.tables or (table, column) in self.required

    def is_instant(self, table: str, column: str) -> bool:
        """Whether a column holds instants, which are read and written in UTC; otherwise local times."""
        spelling = self.find_column(table, column) if self.has_instants else None
        return spelling is not None and self.tables[table][spelling] == _INSTANT_TYPE


def _find_spelling(name: str, names: Iterable[str]) -> str | None:
    """Find a name, preferably in the same spelling."""
    alike = [other for other in names if other.lower() == name.lower()]
    return name if name in alike else alike[0] if len(alike) == 1 else None


def read_schema(conn: Connection) -> TillSchema:
    """Read the tables of the database."""
    dialect = "mysql" if conn.dialect.name == "mariadb" else conn.dialect.name
    tables: dict[str, dict[str, str]] = {}
    required: set[tuple[str, str]] = set()
    for table, column, type_, nullable in conn.execute(sa.text(_QUERIES[dialect])):
        tables.setdefault(str(table), {})[str(column)] = str(type_).lower()
        if nullable == "NO":
            required.add((str(table), str(column)))
    return TillSchema(tables, dialect == "mysql", required)


def resolve_layout(schema: TillSchema, layout: Layout) -> Layout:
    """Return a layout in the spelling of the database, without the optional parts that it does not have.

    A name that is not found stays: the statement that uses it reports it.
    """
    parts = {name: part for name, part in layout if isinstance(part, Config)}
    resolved = {name: _resolve_part(schema, part) for name, part in parts.items()}
    return layout.model_copy(update=resolved)


def _resolve_part(schema: TillSchema, part: T) -> T:
    configured = getattr(part, "table", None)
    table = None if configured is None else schema.find_table(configured)
    optional: frozenset[str] = getattr(part, "if_present", frozenset())
    if table is None:
        return part.model_copy(update=dict.fromkeys(optional))
    changes: dict[str, str | None] = {"table": table}
    for field, info in type(part).model_fields.items():
        name = getattr(part, field)
        if field == "table" or not (info.metadata and isinstance(name, str)):
            continue  # no name of a column
        column = schema.find_column(table, name)
        changes[field] = column or (None if field in optional else name)
    return part.model_copy(update=changes)
