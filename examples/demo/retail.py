"""Files of the form of Online Retail: what stands in them, line by line, and nothing made of it yet."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

COLUMNS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]


class DataError(Exception):
    """The file is not of that form. The message is one line that says where and why."""


@dataclass(frozen=True, slots=True)
class Sold:
    """One line of the file. `at` is the shop's wall clock."""

    invoice: str
    code: str
    description: str
    quantity: int
    at: datetime
    price: Decimal
    customer: str | None
    country: str


def read(path: Path) -> list[Sold]:
    """Every line of a file.

    Raises:
        DataError: it is not of that form.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            found = list(_lines(path, csv.reader(file)))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: is not a .csv.gz file that can be read ({error})") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path}: is not a CSV file ({error})") from error
    if not found:
        raise DataError(f"{path}: has no lines")
    return found


def _lines(path: Path, rows: Iterator[list[str]]) -> Iterator[Sold]:
    if (header := next(rows, [])) != COLUMNS:
        raise DataError(f"{path}: expected the columns {', '.join(COLUMNS)}; found {', '.join(header)[:200] or 'none'}")
    for line, row in enumerate(rows, start=2):
        try:
            yield _sold(row)
        except (ValueError, InvalidOperation) as error:
            raise DataError(f"{path}: line {line} is not of this form ({error or 'not a number'})") from error


def _sold(row: list[str]) -> Sold:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} columns, expected {len(COLUMNS)}")
    invoice, code, description, quantity, at, price, customer, country = (value.strip() for value in row)
    if not invoice or not code:
        raise ValueError("no InvoiceNo or no StockCode")
    if not (amount := Decimal(price)).is_finite():
        raise ValueError(f"UnitPrice {price}")
    known = customer.removesuffix(".0") or None
    return Sold(invoice, code, description, int(quantity), datetime.fromisoformat(at), amount, known, country)
