"""The format of the log: text or JSON, with fields, and without values that must not be in it."""

from __future__ import annotations

import contextvars
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gateway.execution.request_id import bind_request_id
from gateway.runtime.log_format import JsonFormatter, LineFormatter, TextFormatter, configure_log
from gateway.settings.loading import parse
from gateway.settings.secrets import collect_secrets

TIME = 1_767_604_500.25


def build_record(message: str, *args: object, error: BaseException | None = None, **fields: str) -> logging.LogRecord:
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord("gateway.sync", logging.WARNING, __file__, 1, message, args, exc_info)
    record.created = TIME
    record.__dict__.update(fields)
    return record


def raise_from(text: str) -> BaseException:
    """Return an exception with a traceback and a cause."""
    try:
        try:
            raise KeyError(text)
        except KeyError as cause:
            raise ValueError(f"cannot read {text}") from cause
    except ValueError as error:
        return error


@contextmanager
def remove_handlers() -> Iterator[None]:
    """Remove the handlers of the root logger, and put them and the level of the gateway's log back."""
    root, own = logging.getLogger(), logging.getLogger("gateway")
    (handlers, root.handlers), level = (root.handlers, []), own.level
    yield
    root.handlers = handlers
    own.setLevel(level)


def test_a_line_of_text_has_the_time_the_level_and_the_fields() -> None:
    line = TextFormatter().format(build_record("%s records", 3, channel="web", feed="orders"))
    assert line == "2026-01-05T09:15:00.250Z WARNING gateway.sync: 3 records channel=web feed=orders"


def test_a_line_of_json_is_one_object_with_the_fields() -> None:
    line = JsonFormatter().format(build_record("„%s“\nrecords", 3, channel="web", code="TIMEOUT"))
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-01-05T09:15:00.250Z",
        "level": "warning",
        "logger": "gateway.sync",
        "message": "„3“\nrecords",
        "channel": "web",
        "code": "TIMEOUT",
    }


def test_a_record_has_the_id_of_the_request_in_progress() -> None:
    def run() -> str:
        bind_request_id("9f2c41d05b7e6a38")
        return JsonFormatter().format(build_record("failed"))

    assert json.loads(contextvars.copy_context().run(run))["request_id"] == "9f2c41d05b7e6a38"
    assert "request_id" not in json.loads(JsonFormatter().format(build_record("failed")))


@pytest.mark.parametrize("kind", [TextFormatter, JsonFormatter])
def test_a_traceback_has_the_lines_but_no_texts(kind: type[LineFormatter]) -> None:
    error = raise_from("Ada Lovelace")
    line = kind().format(build_record("failed", error=error))
    assert "test_log_format.py" in line and "in raise_from" in line and "KeyError" in line and "ValueError" in line
    assert "Lovelace" not in line
    assert "cannot read Ada Lovelace" in kind(shows_texts=True).format(build_record("failed", error=error))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://gateway:hunter22@db/x", "postgresql://***@db/x"),
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
        ("mail to ada.lovelace+x@example.co.uk, please", "mail to ***, please"),
        ("call +44 20 7946 0958 now", "call *** now"),
        ("order 202-0900000-0000057 of 2026-01-05", "order 202-0900000-0000057 of 2026-01-05"),
        ("the key is swordfish-1 here", "the key is *** here"),
    ],
)
def test_credentials_and_addresses_of_persons_are_replaced(text: str, shown: str) -> None:
    assert TextFormatter(["swordfish-1"]).redact(text) == shown


def test_the_secrets_of_a_configuration_are_found() -> None:
    document = {
        "database": "postgresql://gateway:database-password@db/gateway",
        "selling": {"secret": "signing-secret-of-the-shop"},
        "tokens": {"staff": {"token": ["token-of-the-staff", "sha256:" + "0" * 64], "scopes": []}},
        "channels": {
            "till": {"plugin": "sql", "config": {"url": "mysql://u:password-in-url@till/x", "page_size": 20}},
            "web": {"plugin": "web", "config": {"login": {"access_token": "hidden-below", "shop": "visible-name"}}},
            "fba": {"plugin": "fba", "config": {"seller": "${SELLER}"}},
        },
    }
    found = collect_secrets(parse(document, {"SELLER": "from-the-environment", "OTHER": "not-used-here"}))
    assert {
        "database-password",
        "signing-secret-of-the-shop",
        "token-of-the-staff",
        "hidden-below",
        "from-the-environment",
    } <= found
    assert not {"visible-name", "not-used-here", "20"} & found


def test_the_log_is_configured_again_with_one_handler(capsys: pytest.CaptureFixture[str]) -> None:
    with remove_handlers():
        configure_log()
        configure_log("json", "error", ["swordfish-1"])
        log = logging.getLogger("gateway.test")
        log.warning("not at this level")
        log.error("the key is swordfish-1")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "the key is ***"


def test_handlers_of_a_program_around_the_gateway_stay() -> None:
    own = logging.NullHandler()
    with remove_handlers():
        logging.getLogger().addHandler(own)
        configure_log("json")
        handlers = logging.getLogger().handlers
    assert handlers == [own]
