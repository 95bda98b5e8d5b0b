"""The log of a process: its format, its level, and what must not be in it.

Texts of exceptions can quote what a channel or a client has sent, so they are left out unless the level is `debug`.
Secrets of the configuration, credentials and addresses of persons are replaced in every line.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

from gateway.execution.request_id import get_request_id

FIELDS = ("channel", "feed", "status", "code", "request_id")
"""Fields of records, in their order."""

HIDDEN = "***"

_PERSONAL = re.compile(
    r"(?P<user>://)[^/@\s]+@"  # credentials in a URL
    r"|(?i:\b(?P<scheme>bearer|basic)\s+)[\w.~+/=-]+"
    r"|[\w.+'-]+@[\w-]+\.[\w.-]*\w"  # an email address
    r"|\+\d[\d ()./-]{6,}\d"  # a phone number
)


class LineFormatter(logging.Formatter):
    """Base class of the formats. `secrets`: texts that must not be in the log."""

    def __init__(self, secrets: Collection[str] = (), *, shows_texts: bool = False) -> None:
        super().__init__()
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)
        self._shows_texts = shows_texts

    def redact(self, text: str) -> str:
        """Replace secrets and personal data in a text."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return _PERSONAL.sub(_hide_match, text)

    def format_trace(self, record: logging.LogRecord) -> str:
        """Format the traceback of a record, or an empty text. Texts of exceptions are shown at the level `debug`."""
        if not record.exc_info or record.exc_info[1] is None:
            return ""
        error = record.exc_info[1]
        lines = traceback.format_exception(error) if self._shows_texts else _iterate_trace(error)
        return self.redact("".join(lines).rstrip())


class TextFormatter(LineFormatter):
    """One line per record: time, level, logger, message, fields; then the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        fields = "".join(f" {name}={value}" for name, value in read_fields(record).items())
        head = f"{format_time(record)} {record.levelname} {record.name}: {record.getMessage()}{fields}"
        trace = self.format_trace(record)
        return f"{self.redact(head)}\n{trace}" if trace else self.redact(head)


class JsonFormatter(LineFormatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        content = {
            "time": format_time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.redact(record.getMessage()),
            **{name: self.redact(value) for name, value in read_fields(record).items()},
        }
        trace = self.format_trace(record)
        return json.dumps({**content, "trace": trace} if trace else content, ensure_ascii=False)


def format_time(record: logging.LogRecord) -> str:
    """Format the time of a record: UTC, with milliseconds."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_fields(record: logging.LogRecord) -> dict[str, str]:
    """Read the fields of a record. The request is that in which the record was made."""
    fields = {name: getattr(record, name, None) for name in FIELDS}
    fields["request_id"] = fields["request_id"] or get_request_id()
    return {name: str(value) for name, value in fields.items() if value}


class StderrHandler(logging.Handler):
    """Writes records to what is stderr then."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            sys.stderr.write(f"{self.format(record)}\n")
        except Exception:  # noqa: BLE001 as the handlers of the standard library do
            self.handleError(record)


def configure_log(style: str = "text", level: str = "info", secrets: Collection[str] = ()) -> None:
    """Log to stderr: the gateway's own log from this level, other libraries' from WARNING.

    Handlers that a program around the gateway has installed stay as they are.
    """
    logging.getLogger("gateway").setLevel(level.upper())
    root = logging.getLogger()
    ours = [handler for handler in root.handlers if isinstance(handler, StderrHandler)]
    if root.handlers and not ours:
        return
    for handler in ours:
        root.removeHandler(handler)
    handler = StderrHandler()
    handler.setFormatter((JsonFormatter if style == "json" else TextFormatter)(secrets, shows_texts=level == "debug"))
    root.addHandler(handler)


def _hide_match(match: re.Match[str]) -> str:
    if match["user"]:
        return f"{match['user']}{HIDDEN}@"
    return f"{match['scheme']} {HIDDEN}" if match["scheme"] else HIDDEN


def _iterate_trace(error: BaseException) -> Iterator[str]:
    """Iterate over the lines of a traceback without texts: causes first, as Python prints them."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _iterate_trace(cause)
        yield "which led to:\n"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}\n'
    yield f"{type(error).__module__}.{type(error).__qualname__}\n"
