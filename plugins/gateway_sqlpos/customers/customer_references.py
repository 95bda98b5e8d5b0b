"""References: columns of the table of customers with the IDs that they have in other channels and systems."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.sdk import ContractError
from gateway_sqlpos.row_values import Row, get_text
from gateway_sqlpos.table_mapping import Customers, is_name
from gateway_sqlpos.till import TillSession

_LABEL = "reference:"
"""Prefix of the labels of such columns, before the channel or system."""


def list_references(configured: Mapping[str, str], names: Customers) -> Mapping[str, str]:
    """List the configured columns, by channel or system.

    Raises:
        ContractError: There is no table of customers, or a name is none of a column.
    """
    for name, column in configured.items():
        if names.table is None:
            raise ContractError("references needs the table of customers: layout.customers.table")
        if not is_name(column) or "." in column:
            raise ContractError(f"references.{name}: {column} is not the name of a column")
    return configured


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


def label_references(till: TillSession) -> Mapping[str, str]:
    """Return the columns, by the labels under which rows have them."""
    return {f"{_LABEL}{name}": column for name, column in find_columns(till).items()}


def map_references(row: Row) -> Mapping[str, str]:
    """Map the references of a customer; an empty column has none."""
    names = [label.removeprefix(_LABEL) for label in row if label.startswith(_LABEL)]
    values = {name: get_text(row, f"{_LABEL}{name}") for name in names}
    return {name: value for name, value in values.items() if value is not None}
