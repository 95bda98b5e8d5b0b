"""Opening days of locations, and what channels say about themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.commerce.checkout.lead_times import find_opening
from gateway.model.locations import Location, LocationKind, OpeningException, OpeningHours
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.settings.loading import load_text
from gateway.settings.problems import SettingsError
from tests.graphql.world import LOCATIONS, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

STORES = {"till": MemoryStore(), "web": MemoryStore()}
HOURS = [{"weekday": day, "opens_at": "09:00", "closes_at": "18:00"} for day in range(1, 6)]
HOURS += [
    {"weekday": 6, "opens_at": "10:00", "closes_at": "12:00"},
    {"weekday": 6, "opens_at": "20:00", "closes_at": "02:00"},
]
EXCEPTIONS = [
    {"date": date(2026, 12, 25), "name": "Christmas Day"},
    {"date": date(2026, 12, 26), "name": "Boxing Day", "opens_at": "12:00", "closes_at": "16:00"},
]
DAYS = """query ($from: Date, $days: Int) { location(key: "london") {
  openingDays(from: $from, days: $days) { date exception periods { opensAt closesAt } } } }"""


def build_locations(**more: Any) -> dict[str, Any]:
    locations: dict[str, Any] = {**LOCATIONS}
    return {**locations, "london": {**locations["london"], "time_zone": "Europe/London", **more}}


async def list_days(database_url: str, **variables: Any) -> Any:
    locations = build_locations(opening_hours=HOURS, opening_exceptions=EXCEPTIONS)
    async with open_world(database_url, STORES, locations=locations) as world:
        for _ in range(3):
            data = await world.client.fetch_data(DAYS, **variables)
    return data["location"]["openingDays"]


async def test_weekly_hours_and_exceptions_are_put_together_as_instants(database_url: str) -> None:
    days = await list_days(database_url, **{"from": "2026-12-24", "days": 4})
    assert days == [
        {
            "date": "2026-12-24",
            "exception": None,
            "periods": [{"opensAt": "2026-12-24T09:00:00Z", "closesAt": "2026-12-24T18:00:00Z"}],
        },
        {"date": "2026-12-25", "exception": "Christmas Day", "periods": []},
        {
            "date": "2026-12-26",
            "exception": "Boxing Day",
            "periods": [{"opensAt": "2026-12-26T12:00:00Z", "closesAt": "2026-12-26T16:00:00Z"}],
        },
        {"date": "2026-12-27", "exception": None, "periods": []},
    ]


async def test_times_follow_daylight_saving_and_hours_past_midnight_end_on_the_next_day(database_url: str) -> None:
    (saturday,) = await list_days(database_url, **{"from": "2026-03-28", "days": 1})
    assert saturday["periods"] == [
        {"opensAt": "2026-03-28T10:00:00Z", "closesAt": "2026-03-28T12:00:00Z"},
        {"opensAt": "2026-03-28T20:00:00Z", "closesAt": "2026-03-29T01:00:00Z"},
    ]
    (monday,) = await list_days(database_url, **{"from": "2026-03-30", "days": 1})
    assert monday["periods"] == [{"opensAt": "2026-03-30T08:00:00Z", "closesAt": "2026-03-30T17:00:00Z"}]


async def test_the_default_is_the_next_week_from_today_at_the_location(database_url: str) -> None:
    locations = build_locations(opening_hours=HOURS, time_zone="Pacific/Auckland")
    async with open_world(database_url, STORES, locations=locations) as world:
        for hours in (0, 12):
            world.clock.forward(hours=hours)
            days = (await world.client.fetch_data(DAYS))["location"]["openingDays"]
            here = world.clock().astimezone(ZoneInfo("Pacific/Auckland")).date()
            assert (days[0]["date"], len(days)) == (here.isoformat(), 7)
        unknown = await world.client.fetch_data("""{ location(key: "leeds") { openingDays { date } } }""")
    assert unknown["location"]["openingDays"] == []


@pytest.mark.parametrize(
    "variables", [{"days": 0}, {"days": 32}, {"from": "1900-01-01"}, {"from": "2026-02-30"}, {"from": "9999-12-31"}]
)
async def test_an_impossible_period_is_an_error_of_the_client(database_url: str, variables: dict[str, Any]) -> None:
    async with open_world(database_url, STORES, locations=build_locations(opening_hours=HOURS)) as world:
        assert (await world.client.ask(DAYS, **variables)).codes == ["BAD_USER_INPUT"]


def test_goods_are_not_ready_on_a_day_on_which_the_location_is_closed() -> None:
    weekly = tuple(OpeningHours(weekday=day, opens_at="09:00", closes_at="18:00") for day in range(1, 8))
    christmas = OpeningException(date=date(2026, 12, 25))
    location = Location(
        key="x",
        name="X",
        kind=LocationKind.STORE,
        authority=None,
        opening_hours=weekly,
        opening_exceptions=(christmas,),
    )
    assert find_opening(location, datetime(2026, 12, 24, 19, tzinfo=UTC)) == datetime(2026, 12, 26, 9, tzinfo=UTC)
    assert find_opening(location, datetime(2026, 12, 24, 10, tzinfo=UTC)) == datetime(2026, 12, 24, 10, tzinfo=UTC)


def test_goods_are_ready_after_midnight_where_the_location_is_still_open() -> None:
    night = OpeningHours(weekday=4, opens_at="20:00", closes_at="02:00")
    location = Location(key="x", name="X", kind=LocationKind.STORE, authority=None, opening_hours=(night,))
    assert find_opening(location, datetime(2026, 12, 25, 1, tzinfo=UTC)) == datetime(2026, 12, 25, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "entry",
    ['{ date = 2026-12-25, opens_at = "09:00" }', '{ date = "Christmas" }', "{ date = 2026-12-25, open = true }"],
)
def test_a_wrong_exception_is_a_problem_of_the_configuration(entry: str) -> None:
    location = '[locations.x]\nname = "X"\nkind = "STORE"\nauthority = "till"\nchannels = { till = "1" }\n'
    with pytest.raises(SettingsError, match=r"locations\.x\.opening_exceptions"):
        load_text(f'[channels.till]\nplugin = "memory"\n{location}opening_exceptions = [{entry}]\n')


# ------------------------------------------------------------------------------------------------ policies

POLICIES = [
    {"kind": "PRIVACY", "title": "Privacy", "url": "https://a.example/privacy"},
    {"kind": "RETURNS", "title": "Rückgabe", "locale": "de", "updated_at": datetime(2026, 1, 31, tzinfo=UTC)},
    {"kind": "RETURNS", "title": "Returns", "body": "<p onclick=x>30 days</p><script>x</script>"},
]
SHOWN = """query ($kinds: [PolicyKind!], $locale: Locale) { channel(key: "web") { url locales
  policies(kinds: $kinds, locale: $locale) { kind title bodyHtml url updatedAt } } }"""


@pytest.mark.parametrize(
    ("variables", "titles"),
    [
        ({}, ["Returns", "Privacy"]),
        ({"locale": "de-AT"}, ["Rückgabe", "Privacy"]),
        ({"locale": "fr"}, ["Returns", "Privacy"]),
        ({"kinds": ["PRIVACY"]}, ["Privacy"]),
        ({"kinds": ["TERMS"]}, []),
    ],
)
async def test_a_channel_shows_its_policies_in_the_nearest_language(
    database_url: str, variables: dict[str, Any], titles: list[str]
) -> None:
    web = {"url": "https://www.example.com", "locales": ["en-GB", "de"], "policies": POLICIES}
    async with open_world(database_url, STORES, channels={"web": web, "till": {}}) as world:
        for _ in range(3):
            channel = (await world.client.fetch_data(SHOWN, **variables))["channel"]
    assert [policy["title"] for policy in channel["policies"]] == titles
    assert (channel["url"], channel["locales"]) == ("https://www.example.com", ["en-GB", "de"])
    bodies = [policy["bodyHtml"] for policy in channel["policies"] if policy["title"] == "Returns"]
    assert bodies in ([], ["<p>30 days</p>"])


async def test_a_policy_grows_when_it_is_sanitized(database_url: str) -> None:
    web = {"policies": [{"kind": "TERMS", "title": "Terms", "body": "&" * 49_999}]}
    async with open_world(database_url, STORES, channels={"web": web, "till": {}}) as world:
        (terms,) = (await world.client.fetch_data(SHOWN))["channel"]["policies"]
    assert terms["bodyHtml"] == "&amp;" * 49_999


def test_exceptions_without_weekly_hours_are_a_problem_of_the_configuration() -> None:
    location = '[locations.x]\nname = "X"\nkind = "STORE"\nauthority = "till"\nchannels = { till = "1" }\n'
    with pytest.raises(SettingsError, match="opening_exceptions: requires opening_hours"):
        load_text(f'[channels.till]\nplugin = "memory"\n{location}opening_exceptions = [{{ date = 2026-12-25 }}]\n')


@pytest.mark.parametrize(
    "line",
    [
        'policies = [{ kind = "TERMS", title = "x", body = "\\u0000" }]',
        'url = "javascript:alert(1)"',
        'locales = ["?"]',
        'policies = [{ kind = "NONE", title = "x" }]',
    ],
)
def test_a_wrong_text_is_a_problem_of_its_channel(line: str) -> None:
    assert load_text(f'[channels.web]\nplugin = "memory"\n{line}\n').failures["web"]
