"""References: columns of the table of customers with the IDs that they have in other channels and systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.sdk import ContractError, RecordWarning, read_informative
from gateway_sqlpos.row_values import Row, get_text, is_number
from gateway_sqlpos.table_mapping import Customers, is_name
from gateway_sqlpos.till import TillSession

_LABEL = "reference:"
"""Prefix of the labels of such columns, before the channel or system."""


def check_references(columns: Mapping[str, str], names: Customers) -> None:
    """Raise `ContractError` if there is no table of customers, or a name is none of a column. `columns`: by channel or
    system, as configured.
    """
    for name, column in columns.items():
        if names.table is None:
            raise ContractError("references needs the table of customers: layout.customers.table")
        if not is_name(column) or "." in column:
            raise ContractError(f"references.{name}: {column} is not the name of a column")


def find_columns(till: TillSession) -> Mapping[str, str]:
    """Find the columns in the spelling of the database.

    Raises:
        ContractError: The table of customers does not have one.
    """
    table = till.layout.customers.table or ""
    if table not in till.schema.tables:  # of another schema, whose columns are not known
        return till.references
    columns: dict[str, str] = {}
    for name, configured in till.references.items():
        column = till.schema.find_column(table, configured)
        if column is None:
            raise ContractError(f"the till's customers have no column {configured}; correct references.{name}")
        columns[name] = column
    return columns


def check_erasable(till: TillSession) -> None:
    """Raise `ContractError` if a column requires a value: an erase could not clear it."""
    table, id_ = till.layout.customers.table or "", till.layout.customers.id
    for name, column in find_columns(till).items():
        if column != id_ and table in till.schema.tables and till.schema.is_required(table, column):
            message = f"the column {column} of references.{name} requires a value, so an erase cannot clear it"
            raise ContractError(f"{message}; let it be null")


def label_references(till: TillSession) -> Mapping[str, str]:
    """Return the columns, by the labels under which rows have them."""
    return {f"{_LABEL}{name}": column for name, column in find_columns(till).items()}


def format_references(row: Row) -> None:
    """Format the references of a row as text or a number: raw records are JSON."""
    for label, value in row.items():
        if label.startswith(_LABEL) and value is not None and not isinstance(value, str) and not is_number(value):
            row[label] = value.hex() if isinstance(value, bytes) else str(value)


def map_references(row: Row) -> tuple[Mapping[str, str], Sequence[RecordWarning]]:
    """Map the references of a customer; an empty column has none. One that cannot be read is dropped."""
    labels = [label for label in row if label.startswith(_LABEL)]
    pairs, warnings = read_informative(labels, lambda label: (label, get_text(row, label)), "references")
    return {label.removeprefix(_LABEL): value for label, value in pairs if value is not None}, warnings
