"""The configuration: one line per problem, with the key and the expected value."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from gateway.runtime.recognition_rules import digest_rules
from gateway.settings.loading import load, load_text, parse
from gateway.settings.problems import SettingsError
from gateway.settings.schema import Settings
from gateway.settings.value_types import SCOPES

EXAMPLE = Path(__file__).parent.parent / "examples" / "gateway.toml"
ENVIRONMENT = {
    "TILL_URL": "sqlite:///till.db",
    "ADMIN_TOKEN": "admin-token-of-at-least-32-characters",
    "SELLING_SECRET": "s",
    "PRIVACY_SECRET": "p" * 32,
}
ENVIRONMENT |= {"REDIS_URL": "redis://127.0.0.1/0"}

TILL: dict[str, Any] = {"plugin": "odd"}


def list_problems(document: dict[str, Any], **environment: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        parse(document, environment)
    return raised.value.problems


# ------------------------------------------------------------------------------------------------ the example


def list_tables(kind: Any) -> Iterator[type[BaseModel]]:
    """List the tables that the type of a field consists of."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for part in get_args(kind):
        yield from list_tables(part)


def list_keys(table: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """List every setting below a table; `*` stands for a name or a list entry."""
    for name, field in table.model_fields.items():
        yield f"{prefix}{name}"
        below = f"{prefix}{name}.*." if get_origin(field.annotation) in (dict, tuple) else f"{prefix}{name}."
        for inner in list_tables(field.annotation):
            yield from list_keys(inner, below)


def list_shown_keys(value: Any, path: str = "") -> Iterator[str]:
    """List every key of a document, in the same notation."""
    if isinstance(value, dict):
        for name, item in value.items():
            for prefix in (f"{path}{name}", f"{path}*"):
                yield prefix
                yield from list_shown_keys(item, f"{prefix}.")
    elif isinstance(value, list):
        for item in value:
            yield from list_shown_keys(item, f"{path}*.")


def list_missing_keys(text: str) -> set[str]:
    return set(list_keys(Settings)) - set(list_shown_keys(tomllib.loads(text)))


def test_the_example_shows_every_setting() -> None:
    assert list_missing_keys(EXAMPLE.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize("setting", ["live_deadline", "buffer", "country_code", "opens_at", "low", "latitude"])
def test_the_proof_a_setting_that_the_example_does_not_show_is_found(setting: str) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace(
        f"{setting} =", "plugin =" if setting == "x" else f"{setting}_ ="
    )
    assert any(key.endswith(setting) for key in list_missing_keys(text))


def test_the_example_loads() -> None:
    settings = load(EXAMPLE, ENVIRONMENT)
    assert settings.failures == {}
    assert settings.channels["till"].config["url"] == "sqlite:///till.db"
    assert settings.tokens["admin"].scopes == SCOPES


def test_what_the_example_calls_a_default_is_one() -> None:
    document = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    plain = parse({"channels": {"till": TILL}, "locations": {"store-london": document["locations"]["store-london"]}})
    said = load(EXAMPLE, ENVIRONMENT)
    other = {"public_url": None, "mode": "development", "graphiql": None}
    assert said.server.model_copy(update=other) == plain.server
    assert said.limits.model_copy(update=_list_other_limits(said)) == plain.limits
    assert said.retention == plain.retention
    assert said.documents == plain.documents
    own: dict[str, Any] = {"tax_rate": None, "shipping": {}, "secret": None}
    assert said.selling.model_copy(update=own) == plain.selling
    assert said.database == plain.database
    assert (said.stock.low, said.stock.cap) == (plain.stock.low, plain.stock.cap)
    for name in ("recognition", "by_name", "loyalty_check_digit"):
        assert getattr(said.customers, name) == getattr(plain.customers, name)
    for policy in ("matching", "prices", "related"):
        assert getattr(said.catalogue, policy) == getattr(plain.catalogue, policy)
    for name in ("enabled", "sweep_every", "call_deadline", "live_deadline"):
        assert getattr(said.channels["till"], name) == getattr(plain.channels["till"], name)


def _list_other_limits(said: Settings) -> dict[str, Any]:
    """List the limits of the example that differ from the defaults, or apply in production only."""
    return {
        "redis": None,
        "trusted_proxies": (),
        "anonymous": said.limits.anonymous.model_copy(update={"rate": None}),
        "known": said.limits.known.model_copy(update={"rate": None}),
    }


# ------------------------------------------------------------------------------------------------ problems


@pytest.mark.parametrize(
    ("document", "line"),
    [
        ({"databse": "x"}, "databse: unknown key"),
        ({"server": {"port": 0}}, "server.port: Input should be greater than or equal to 1"),
        ({"retention": {"log": "14"}}, "retention.log: expected a duration such as 30s, 5m, 1h or 2d"),
        (
            {"tokens": {"a": {"token": "x", "scopes": ["all"]}}},
            f"tokens.a.scopes: unknown scope all; expected one of {', '.join(SCOPES)}, or * for all",
        ),
        (
            {"tokens": {"a": {"token": "${NOPE}", "scopes": []}}},
            "tokens.a.token: the environment variable NOPE is not set",
        ),
        (
            {"tokens": {"a": {"token": "x", "scopes": []}, "b": {"token": "x", "scopes": []}}},
            "tokens: two tokens have the same secret",
        ),
        ({"tokens": {"a": {"token": "${EMPTY}", "scopes": []}}}, "tokens.a.token: is empty"),
        ({"channels": []}, "channels: expected a table"),
        (
            {"search": {"synonyms": [["sofa"]]}},
            "search: synonyms.0: expected at least two words that mean the same",
        ),
        (
            {"search": {"synonyms": [["sofa", "couch"], ["Söfa", "settee"]]}},
            "search: synonyms.1: 'Söfa' is there twice; write all its synonyms in one group",
        ),
        (
            {"search": {"synonyms": [["sofa", "!"]]}},
            "search: synonyms.0: expected 1 to 5 words, found '!'",
        ),
        ({"retention": {"log": "9999999999d"}}, "retention.log: is too long for a duration"),
        (
            {
                "channels": {"till": TILL},
                "locations": {
                    name: {"name": name, "kind": "STORE", "authority": "till", "channels": {"till": "1"}}
                    for name in ("a", "b")
                },
            },
            "locations.b.channels.till: 1 is already the location a",
        ),
        (
            {"channels": {"till": TILL}, "customers": {"external_systems": ["till"]}},
            "customers.external_systems: till is a channel",
        ),
        ({"catalogue": {"priority": ["web"]}}, "catalogue.priority: there is no channel web; expected one of none"),
        (
            {"channels": {"till": TILL}, "stock": {"default_channel": "web"}},
            "stock.default_channel: there is no channel web; expected one of till",
        ),
        (
            {
                "channels": {"till": TILL},
                "locations": {"a": {"name": "A", "kind": "STORE", "authority": "web", "channels": {"till": "1"}}},
            },
            "locations.a.authority: web is not among its channels",
        ),
        (
            {
                "channels": {"till": TILL},
                "locations": {
                    "a": {
                        "name": "A",
                        "kind": "STORE",
                        "authority": "till",
                        "channels": {"till": "1"},
                        "time_zone": "London",
                    }
                },
            },
            "locations.a.time_zone: expected an IANA time zone such as Europe/London",
        ),
    ],
)
def test_a_problem_is_one_line_that_names_the_key_and_what_was_expected(document: dict[str, Any], line: str) -> None:
    assert list_problems(document, EMPTY="") == (line,)


def test_tokens_whose_variables_are_not_set_are_not_reported_as_duplicates() -> None:
    document = {"tokens": {key: {"token": "${NOPE}", "scopes": []} for key in ("one", "two")}}
    lines = tuple(f"tokens.{key}.token: the environment variable NOPE is not set" for key in ("one", "two"))
    assert list_problems(document) == lines


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ({"plugin": "odd", "colour": "red"}, "channels.web.colour: unknown key"),
        ({}, "channels.web.plugin: is missing"),
        (
            {"plugin": "odd", "every": {"stock": "often"}},
            "channels.web.every.stock: expected a duration such as 30s, 5m, 1h or 2d",
        ),
        (
            {"plugin": "odd", "config": {"deep": [{"url": "${NOPE}"}]}},
            "channels.web.config.deep.0.url: the environment variable NOPE is not set",
        ),
    ],
)
def test_a_problem_inside_one_channel_leaves_the_others_alone_unless_it_is_required(
    table: dict[str, Any], line: str
) -> None:
    settings = parse({"channels": {"till": TILL, "web": table}}, {})
    assert settings.failures == {"web": (line,)}
    assert settings.channels["till"].plugin == "odd"
    assert list_problems({"channels": {"till": TILL, "web": table | {"required": True}}}) == (line,)


def test_a_mistake_in_a_channel_leaves_how_its_customers_are_recognized() -> None:
    rules = {"region": "GB", "references": {"till": "till_id"}}
    settings, broken = (
        parse({"channels": {"till": TILL, "web": TILL | rules | mistake}}, {}) for mistake in ({}, {"colour": "red"})
    )
    assert broken.failures.keys() == {"web"}
    assert digest_rules(broken) == digest_rules(settings) != digest_rules(parse({"channels": {"till": TILL}}, {}))
    worse = parse({"channels": {"till": TILL, "web": TILL | {"region": "gb", "references": {"till": ""}}}}, {})
    assert (worse.channels["web"].region, worse.channels["web"].references) == (None, {})


@pytest.mark.parametrize("name", ["nowhere", "web"])
def test_references_name_another_channel_or_an_external_system(name: str) -> None:
    web = {"web": TILL | {"references": {name: "id"}}}
    for systems, expected in (([], "till"), (["crm"], "till, crm")):
        settings = parse({"channels": {"till": TILL, **web}, "customers": {"external_systems": systems}}, {})
        message = f"expected another channel, or one of customers.external_systems: {expected}"
        assert settings.failures == {"web": (f"channels.web.references.{name}: {message}",)}


def test_every_problem_is_reported_at_once() -> None:
    assert list_problems({"server": {"port": 0, "hots": "x"}, "channels": {"web": {}}}) == (
        "server.port: Input should be greater than or equal to 1",
        "server.hots: unknown key",
        "channels.web.plugin: is missing",
    )


def test_a_secret_comes_from_the_environment_and_stands_in_no_message() -> None:
    document = {"tokens": {"a": {"token": "${SECRET}", "scopes": ["all"]}}}
    (line,) = list_problems(document, SECRET="hunter2")
    assert "hunter2" not in line
    settings = parse({"tokens": {"a": {"token": "x-${SECRET}", "scopes": []}}}, {"SECRET": "hunter2"})
    assert settings.tokens["a"].secrets == ("x-hunter2",)
    assert "hunter2" not in repr(settings)


def test_a_file_that_is_no_toml_or_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not TOML: "):
        load_text("server = ")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "nowhere.toml")
    (tmp_path / "latin.toml").write_bytes(b"database = '\xe9'")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("1.5h", timedelta(minutes=90)),
        ("30s", timedelta(seconds=30)),
        ("2d", timedelta(days=2)),
    ],
)
def test_durations_are_a_number_and_a_unit(text: str, span: timedelta) -> None:
    assert parse({"retention": {"log": text}}).retention.log == span


def test_channels_come_by_priority_and_then_by_name() -> None:
    settings = parse({"catalogue": {"priority": ["web"]}, "channels": {"till": TILL, "web": TILL, "app": TILL}})
    assert settings.list_channels_by_priority() == ("web", "app", "till")


# ------------------------------------------------------------------------------------------------ renamed keys


@pytest.mark.parametrize(("old", "new", "value"), [("crowd", "queue_size", 7), ("crowd_waits", "queue_timeout", "9s")])
def test_limits_accept_keys_of_earlier_versions_with_a_warning(
    old: str, new: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert parse({"limits": {old: value}}).limits == parse({"limits": {new: value}}).limits
    assert [record.getMessage() for record in caplog.records] == [f"limits.{old} is deprecated; rename it to {new}"]


def test_limits_reject_both_names_of_one_key() -> None:
    assert list_problems({"limits": {"crowd": 7, "queue_size": 8}}) == (
        "limits: crowd is the former name of queue_size; remove it",
    )
    assert list_problems({"limits": {"crowd": -1}}) == (
        "limits.queue_size: Input should be greater than or equal to 0",
    )


# ------------------------------------------------------------------------------------------------ collections


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({}, "collections.sale.titles: is missing"),
        ({"titles": {}}, "collections.sale.titles: "),
        ({"titles": {"english": "Sale", "x y": "Sale"}}, "collections.sale.titles"),
        ({"channel": "nowhere"}, "collections.sale.channel: there is no channel nowhere; expected one of till"),
        ({"handle": "a b"}, "collections.sale.handle: "),
        ({"handle": "other"}, "collections.sale.handle: other is already the handle of other"),
        ({"sort": {"key": "POSITION"}}, "collections.sale.sort.key: "),
        (
            {"filter": {"channel_keys": ["nowhere"]}},
            "collections.sale.filter.channel_keys: there is no channel",
        ),
        ({"filter": {"on_sail": True}}, "collections.sale.filter.on_sail: unknown key"),
        ({"filter": {"statuses": ["DRAFT"]}}, "collections.sale.filter.statuses: unknown key"),
        (
            {"filter": {"category_ids": ["Mugs"]}},
            "collections.sale.filter.category_ids.0: 'Mugs' is not an ID",
        ),
        ({"filter": {"min_rating": 6}}, "collections.sale.filter.min_rating: "),
        ({"filter": {"price": {"min": "1.005", "currency_code": "GBP"}}}, "collections.sale.filter.price: min: "),
        ({"filter": {"price": {"currency_code": "XXY"}}}, "collections.sale.filter.price: "),
        (
            {"filter": {"facets": [{"key": "colour", "values": ["red"]}]}},
            "collections.sale.filter.facets: there is no facet colour; expected brand, category, tag, option.NAME",
        ),
        (
            {"filter": {"facets": [{"key": "brand", "values": ["a"]}, {"key": "brand", "values": ["b"]}]}},
            "collections.sale.filter.facets: expected each key at most once",
        ),
        (
            {"filter": {"attribute_ranges": [{"key": "length", "min": 1}]}},
            "collections.sale.filter.attribute_ranges: there is no attribute length with ranges",
        ),
        (
            {"filter": {"attribute_ranges": [{"key": "length"}]}},
            "collections.sale.filter.attribute_ranges.0: expected min, max or both",
        ),
        (
            {"filter": {"available_at_location_key": "moon"}},
            "collections.sale.filter.available_at_location_key: there is no location moon; expected one of none",
        ),
    ],
)
def test_a_collection_that_cannot_be_is_named(table: dict[str, Any], problem: str) -> None:
    sale = table if table == {} else {"titles": {"en": "Sale"}, **table}
    document = {"channels": {"till": TILL}, "collections": {"other": {"titles": {"en": "O"}}, "sale": sale}}
    problems = list_problems(document)
    assert any(line.startswith(problem) for line in problems), problems


def test_collections_have_keys_of_their_own_form_and_a_limit() -> None:
    for key in ("Sale", "a b", "0194000000007000800000000000abcd", "abcdefabcdefabcdefabcdefabcdefab"):
        assert list_problems({"channels": {"till": TILL}, "collections": {key: {"titles": {"en": "S"}}}})
    many = {f"c{number}": {"titles": {"en": "S"}} for number in range(101)}
    assert list_problems({"channels": {"till": TILL}, "collections": many}) == (
        "collections: expected at most 100, found 101",
    )
