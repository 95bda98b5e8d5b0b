"""Plugins: what is found, and one clear line for each that cannot be used while the rest goes on."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.plugins import Plugins, discover
from gateway.sdk import Channel, ChannelKind, ChannelType, Config, Registry, Traits, hookimpl
from gateway.sdk.channel import ENTRY_POINT_GROUP
from gateway.sdk.policies import codes_only, first_priced
from gateway.sdk.testing.memory import MemoryPlugin, MemoryStore
from gateway.settings import SettingsError


class Nothing(Config):
    """No configuration."""


def never(config: object, context: object) -> Channel:
    raise AssertionError("not opened here")


PLAIN: ChannelType[Any] = ChannelType(
    name="plain",
    version="1",
    kind=ChannelKind.POS,
    config=Nothing,
    traits=lambda _: Traits(time_zone="UTC", currency="GBP", prices_include_tax=True),
    open=never,
)


def unchecked(value: object) -> Any:
    """A value of the wrong type, as a plugin that nobody type-checked would pass."""
    return value


class Registering:
    """A plugin that registers these."""

    def __init__(self, *kinds: Any, policies: dict[tuple[str, str], Any] | None = None) -> None:
        self.kinds, self.policies = kinds, policies or {}

    @hookimpl
    def gateway_register(self, registry: Registry) -> None:
        for kind in self.kinds:
            registry.channel(kind)
        for (of, name), policy in self.policies.items():
            registry.policy(of, name, policy)


def lines(plugins: Plugins) -> list[str]:
    return [str(failure) for failure in plugins.failures]


def found(*extra: object) -> Plugins:
    return discover(*extra, points=())


def point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str) -> EntryPoint:
    """The entry point of a plugin module with this source."""
    (tmp_path / f"plugin_{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    return EntryPoint(name, f"plugin_{name}", ENTRY_POINT_GROUP)


def test_a_plugin_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
from gateway.sdk import Registry, hookimpl
from gateway.sdk.testing.memory import MemoryPlugin, MemoryStore

@hookimpl
def gateway_register(registry: Registry) -> None:
    MemoryPlugin(MemoryStore()).gateway_register(registry)
"""
    plugins = discover(points=[point(tmp_path, monkeypatch, "fine", source)])
    assert lines(plugins) == []
    assert plugins.versions == {"memory": "1"}


def test_the_policies_of_the_gateway_are_there_without_any_plugin() -> None:
    plugins = found()
    assert plugins.policy("matching", "codes") is codes_only
    assert plugins.policy("prices", "priority") is first_priced


def test_what_is_found_belongs_to_the_call_that_found_it() -> None:
    assert found(MemoryPlugin(MemoryStore())).types
    assert not found().types


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("import no_such_driver", "failed on import: ModuleNotFoundError: No module named 'no_such_driver'"),
        ("raise SystemExit('bye')", "failed on import: SystemExit: bye"),
        ("1 +", "failed on import: SyntaxError: "),
        ("x = 1", "has no gateway_register marked with hookimpl"),
    ],
)
def test_a_plugin_that_fails_on_import_is_one_line_and_the_next_one_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, line: str
) -> None:
    name = f"bad{len(source)}"
    plugins = discover(MemoryPlugin(MemoryStore()), points=[point(tmp_path, monkeypatch, name, source)])
    assert len(lines(plugins)) == 1
    assert lines(plugins)[0].startswith(f"plugin {name}: {line}")
    assert list(plugins.types) == ["memory"]


def test_an_entry_point_that_names_no_module_is_one_line() -> None:
    plugins = discover(points=[EntryPoint("gone", "no_such_plugin", ENTRY_POINT_GROUP)])
    assert lines(plugins) == ["plugin gone: failed on import: ModuleNotFoundError: No module named 'no_such_plugin'"]


def test_a_misspelt_hook_is_one_line() -> None:
    class Misspelt:
        @hookimpl
        def gateway_regster(self, registry: Registry) -> None:
            raise AssertionError("never called")

    (line,) = lines(found(Misspelt()))
    assert line.startswith("plugin Misspelt: its hooks are not those of the SDK: unknown hook 'gateway_regster'")


def test_a_hook_with_other_arguments_is_one_line() -> None:
    class Wrong:
        @hookimpl
        def gateway_register(self, registry: Registry, settings: object) -> None:
            raise AssertionError("never called")

    (line,) = lines(found(Wrong()))
    assert line.startswith("plugin Wrong: its hooks are not those of the SDK:")
    assert "settings" in line


def test_a_hook_that_raises_is_one_line() -> None:
    class Raising:
        @hookimpl
        def gateway_register(self, registry: Registry) -> None:
            raise KeyError("licence")

    assert lines(found(Raising())) == ["plugin Raising: failed on import: KeyError: 'licence'"]


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (replace(PLAIN, sdk=">=2,<3"), "plugin plain: wants SDK >=2,<3, this gateway has 1.0"),
        (replace(PLAIN, sdk="soon"), "plugin plain: its sdk 'soon' is not a version specifier such as >=1,<2"),
        (replace(PLAIN, version=""), "plugin plain: its version is not a text of at most 100 characters"),
        (replace(PLAIN, name="Plain!"), "plugin Plain!: the name 'Plain!' is not lower-case letters, digits, - and _"),
        (replace(PLAIN, kind=unchecked("POS")), "plugin plain: its kind is not one of POS, STOREFRONT, MARKETPLACE"),
        (
            replace(PLAIN, config=unchecked(dict)),
            "plugin plain: its config is not a class made from gateway.sdk.Config",
        ),
        (PLAIN.name, "plugin Registering: registers str as a channel, expected ChannelType"),
    ],
)
def test_a_channel_type_that_does_not_fit_is_one_line_and_the_rest_is_used(kind: Any, line: str) -> None:
    plugins = found(Registering(kind), MemoryPlugin(MemoryStore()))
    assert lines(plugins) == [line]
    assert list(plugins.types) == ["memory"]


def test_of_two_channel_types_of_one_name_the_first_is_used_and_the_second_named() -> None:
    plugins = found(Registering(PLAIN), Registering(replace(PLAIN, version="2")))
    assert lines(plugins) == [
        "plugin plain: a second plugin registers a channel type of this name; the first one is used"
    ]
    assert plugins.versions == {"plain": "1"}


@pytest.mark.parametrize(
    ("policies", "line"),
    [
        (
            {("loyalty", "points"): codes_only},
            "registers a policy of the unknown kind loyalty; expected one of matching, prices, routing, taxes",
        ),
        (
            {("matching", "codes"): codes_only},
            "a second plugin registers the matching policy codes; the first one is used",
        ),
        ({("prices", "best"): 3}, "the prices policy best cannot be called"),
    ],
)
def test_a_policy_that_does_not_fit_is_one_line(policies: dict[tuple[str, str], Any], line: str) -> None:
    assert lines(found(Registering(policies=policies))) == [f"plugin Registering: {line}"]


def test_a_plugins_policy_can_be_chosen_and_a_missing_one_is_named() -> None:
    plugins = found(Registering(policies={("prices", "best"): first_priced}))
    assert plugins.policy("prices", "best") is first_priced
    with pytest.raises(SettingsError) as raised:
        plugins.policy("prices", "worst")
    assert raised.value.problems == ("catalogue.prices: there is no policy worst; expected one of best, priority",)
