"""Reads files with the columns of Online Retail, line by line."""

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
    """The file has another format. The message is one line with the position and the reason."""


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """A line of the file. `at` is the shop's local time."""

    invoice: str
    code: str
    description: str
    quantity: int
    at: datetime
    price: Decimal
    customer: str | None
    country: str


def read_receipts(path: Path) -> list[ReceiptLine]:
    """Read all lines of a file.

    Raises:
        DataError: the file has another format.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            lines = list(_read_lines(path, csv.reader(file)))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: is not a .csv.gz file that can be read ({error})") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8") from error
    except csv.Error as error:
        raise DataError(f"{path}: is not a CSV file ({error})") from error
    if not lines:
        raise DataError(f"{path}: has no lines")
    return lines


def _read_lines(path: Path, rows: Iterator[list[str]]) -> Iterator[ReceiptLine]:
    if (header := next(rows, [])) != COLUMNS:
        raise DataError(f"{path}: expected the columns {', '.join(COLUMNS)}; found {', '.join(header)[:200] or 'none'}")
    for line, row in enumerate(rows, start=2):
        try:
            yield _parse_line(row)
        except (ValueError, InvalidOperation) as error:
            raise DataError(f"{path}: line {line} is not of this form ({error or 'not a number'})") from error


def _parse_line(row: list[str]) -> ReceiptLine:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} columns, expected {len(COLUMNS)}")
    invoice, code, description, quantity, at, price, customer, country = (value.strip() for value in row)
    if not invoice or not code:
        raise ValueError("no InvoiceNo or no StockCode")
    if not (amount := Decimal(price)).is_finite():
        raise ValueError(f"UnitPrice {price}")
    known = customer.removesuffix(".0") or None
    return ReceiptLine(invoice, code, description, int(quantity), datetime.fromisoformat(at), amount, known, country)
