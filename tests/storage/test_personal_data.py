"""Every column of every table is declared to hold personal data, or not to (rule C13)."""

from __future__ import annotations

from gateway.storage.privacy.personal_data import BOUNDED, DERIVED, EXPORTED_WITH, OTHER, PERSONAL, PUBLISHED
from gateway.storage.tables import metadata

Columns = set[tuple[str, str]]
LISTS = (DERIVED, BOUNDED, PUBLISHED, OTHER)


def list_columns() -> Columns:
    return {(table.name, column.name) for table in metadata.sorted_tables for column in table.columns}


def list_declared() -> list[tuple[str, str]]:
    personal = [(table, name) for table, declared in PERSONAL.items() for name in declared.columns]
    return personal + [(table, name) for some in LISTS for table, names in some.items() for name in names.split()]


def test_every_column_is_declared_once() -> None:
    declared = list_declared()
    assert sorted(set(declared)) == sorted(declared), "declared twice"
    assert set(declared) == list_columns()


def test_rows_are_found_by_columns_that_exist() -> None:
    keys = {(table, declared.key) for table, declared in PERSONAL.items()}
    keys |= {(table, key) for table, (_, key) in EXPORTED_WITH.items()}
    assert keys <= list_columns()


def test_a_column_that_is_cleared_takes_the_value() -> None:
    for name, declared in PERSONAL.items():
        columns = metadata.tables[name].columns
        for column, value in (declared.erased or {}).items():
            assert value is not None or columns[column].nullable, (name, column)
