"""Commands for channels and locations that were removed from the configuration, renamed, or are counted by another."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from gateway.cli.config_check import find_topology_changes
from gateway.settings.loading import load
from tests.cli.test_commands import Gateway, folder, gateway
from tests.cli.test_operations import CONFIG, shop

__all__ = ["folder", "gateway", "shop"]

Output = pytest.CaptureFixture[str]
WITHOUT_WEB = re.sub(r"\[channels\.web\].*?(?=\[locations)", "", CONFIG, flags=re.DOTALL).replace(', web = "l-web"', "")
RENAMED = CONFIG.replace("[channels.web]", "[channels.store]").replace('web = "l-web"', 'store = "l-web"')
WITH_PARIS = (
    CONFIG + '\n[locations.paris]\nname = "Paris"\nkind = "STORE"\nauthority = "till"\nchannels = { till = "P" }\n'
)
COUNTED_BY_WEB = CONFIG.replace('authority = "till"', 'authority = "web"')


def configure(shop: Path, text: str) -> None:
    (shop / "gateway.toml").write_text(text)


def test_a_removed_channel_is_announced_and_forgotten_after_a_question(
    shop: Path, gateway: Gateway, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gateway("sync") == 0
    assert gateway("channels", "forget", "web", "--yes") == 2
    assert "web is configured: remove it from the configuration first" in capsys.readouterr().err
    configure(shop, WITHOUT_WEB)
    assert gateway("check-config") == 0
    out = capsys.readouterr().out
    assert "notice: channel web is not configured any more: what it lists is hidden" in out
    assert "notice: channel web: hides 1 listings, 1 stock counts, 0 open carts; 0 commands are not sent" in out
    assert gateway("doctor") == 0
    assert "waiting for an operator: 1" in capsys.readouterr().out
    monkeypatch.setattr("typer.confirm", lambda _: False)
    assert gateway("channels", "forget", "web") == 2
    said = capsys.readouterr()
    assert "web: deletes 1 listings, 1 stock counts" in said.out and "nothing was deleted" in said.err
    assert gateway("channels", "forget", "web", "--yes") == 0
    assert "web is forgotten" in capsys.readouterr().out
    assert gateway("channels", "forget", "web", "--yes") == 2
    assert "there is no removed channel web; expected one of none" in capsys.readouterr().err
    assert gateway("doctor") == 0
    assert "waiting for an operator: 0" in capsys.readouterr().out


def test_a_channel_is_renamed_after_its_configuration(shop: Path, gateway: Gateway, capsys: Output) -> None:
    assert gateway("sync") == 0
    assert gateway("channels", "rename", "web", "store") == 2
    assert "rename [channels.web] to [channels.store] in the configuration first" in capsys.readouterr().err
    configure(shop, RENAMED)
    assert gateway("check-config") == 0
    assert gateway("channels", "rename", "web", "store") == 0
    assert "web is store now" in capsys.readouterr().out
    assert gateway("channels", "rename", "web", "store") == 2
    assert "the database knows no channel web" in capsys.readouterr().err
    assert gateway("audit") == 0
    assert "gateway channels rename" in capsys.readouterr().out
    assert asyncio.run(find_topology_changes(load(shop / "gateway.toml"))) == []


def test_a_changed_authority_waits_until_it_is_accepted(shop: Path, gateway: Gateway, capsys: Output) -> None:
    assert gateway("sync") == 0
    configure(shop, COUNTED_BY_WEB)
    capsys.readouterr()
    assert gateway("check-config") == 0
    line = "location london: the stock is still counted by till (L); `gateway locations accept london` lets web (l-web)"
    assert f"notice: {line}" in capsys.readouterr().out
    assert gateway("locations", "list") == 0
    assert re.search(r"london\W+till\W+web", capsys.readouterr().out)
    assert gateway("locations", "accept", "paris") == 2
    assert "there is no location paris; expected one of london" in capsys.readouterr().err
    assert gateway("locations", "accept", "london") == 0
    assert "london is counted by web" in capsys.readouterr().out
    assert gateway("locations", "accept", "london") == 2
    assert "london is counted by web already" in capsys.readouterr().err
    assert gateway("audit") == 0
    assert "Location london" in " ".join(capsys.readouterr().out.split())
    assert gateway("locations", "list") == 0
    assert re.search(r"london\W+web\W+$", capsys.readouterr().out)


def test_a_removed_location_is_announced_until_it_is_forgotten(shop: Path, gateway: Gateway, capsys: Output) -> None:
    assert gateway("sync") == 0
    configure(shop, CONFIG.partition("[locations")[0])
    capsys.readouterr()
    assert gateway("check-config") == 0
    assert "notice: location london is not configured any more: nothing is sold from it" in capsys.readouterr().out
    assert gateway("locations", "forget", "paris") == 2
    assert gateway("locations", "forget", "london") == 0
    assert "london is forgotten" in capsys.readouterr().out
    assert asyncio.run(find_topology_changes(load(shop / "gateway.toml"))) == []


def test_a_configuration_is_checked_without_a_database(shop: Path, gateway: Gateway, capsys: Output) -> None:
    (shop / "gateway.db").unlink()
    assert gateway("check-config") == 0
    assert "notice" not in capsys.readouterr().out and not (shop / "gateway.db").exists()


PAGE_STEPS = {
    "check-config": WITHOUT_WEB,
    "channels rename": RENAMED,
    "channels forget": WITHOUT_WEB,
    "locations list": COUNTED_BY_WEB,
    "locations accept": COUNTED_BY_WEB,
    "locations forget": WITH_PARIS,
}
"""The configuration with which each command of the page is run; `locations forget`: before the location is removed."""


@pytest.mark.long
def test_the_commands_of_the_page_about_changed_channels_and_locations_work(
    shop: Path, gateway: Gateway, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "topology.md").read_text(encoding="utf-8")
    commands = [line.split()[1:] for line in page.splitlines() if line.startswith("gateway ")]
    assert {" ".join(command[:2]) for command in commands} == set(PAGE_STEPS)
    monkeypatch.setattr("typer.confirm", lambda _: True)
    for command in commands:
        (shop / "gateway.db").unlink(missing_ok=True)
        configure(shop, CONFIG)
        assert gateway("sync") == 0
        configure(shop, PAGE_STEPS[" ".join(command[:2])])
        if command[:2] == ["locations", "forget"]:
            assert gateway("sync") == 0
            configure(shop, CONFIG)
        capsys.readouterr()
        assert gateway(*command) == 0, command
        if command == ["check-config"]:
            assert capsys.readouterr().out.splitlines()[0] in page


def test_the_help_of_each_command_says_what_it_does_and_when_it_refuses(gateway: Gateway, capsys: Output) -> None:
    for command, said in (
        (("channels", "forget"), "orders and customers stay as history"),
        (("channels", "rename"), "Stop all gateway processes"),
        (("locations", "accept"), "the stock is unknown"),
        (("check-config",), "becomes hidden"),
        (("doctor",), "waits for an operator"),
    ):
        assert gateway(*command, "--help") == 0
        assert said in " ".join(capsys.readouterr().out.replace("│", "").split())
