"""Discovery of plugins: one line for each that cannot be used, while the others work."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.plugin_registry import Plugins, discover
from gateway.sdk import Channel, ChannelKind, ChannelType, Config, Registry, Traits, hookimpl
from gateway.sdk.channel import ENTRY_POINT_GROUP
from gateway.sdk.policies import match_by_codes, select_first_priced
from gateway.sdk.testing.memory_channel import MemoryPlugin, MemoryStore
from gateway.settings.problems import SettingsError


class Nothing(Config):
    """An empty configuration."""


def fail_to_open(config: object, context: object) -> Channel:
    raise AssertionError("not opened here")


PLAIN: ChannelType[Any] = ChannelType(
    name="plain",
    version="1",
    kind=ChannelKind.POS,
    config=Nothing,
    traits=lambda _: Traits(time_zone="UTC", currency="GBP", prices_include_tax=True),
    open=fail_to_open,
)


def cast_to_any(value: object) -> Any:
    """Return the value as `Any`, like a plugin without type checks would pass it."""
    return value


class RegisteringPlugin:
    """A plugin that registers these channel types and policies."""

    def __init__(self, *kinds: Any, policies: dict[tuple[str, str], Any] | None = None) -> None:
        self.kinds, self.policies = kinds, policies or {}

    @hookimpl
    def gateway_register(self, registry: Registry) -> None:
        for kind in self.kinds:
            registry.channel(kind)
        for (of, name), policy in self.policies.items():
            registry.policy(of, name, policy)


def list_failures(plugins: Plugins) -> list[str]:
    return [str(failure) for failure in plugins.failures]


def discover_plugins(*extra: object) -> Plugins:
    return discover(*extra, points=())


def build_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str) -> EntryPoint:
    """Write a plugin module with this source and build its entry point."""
    (tmp_path / f"plugin_{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    return EntryPoint(name, f"plugin_{name}", ENTRY_POINT_GROUP)


def test_a_plugin_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
from gateway.sdk import Registry, hookimpl
from gateway.sdk.testing.memory_channel import MemoryPlugin, MemoryStore

@hookimpl
def gateway_register(registry: Registry) -> None:
    MemoryPlugin(MemoryStore()).gateway_register(registry)
"""
    plugins = discover(points=[build_entry_point(tmp_path, monkeypatch, "fine", source)])
    assert list_failures(plugins) == []
    assert plugins.versions == {"memory": "1"}


def test_the_policies_of_the_gateway_are_there_without_any_plugin() -> None:
    plugins = discover_plugins()
    assert plugins.get_policy("matching", "codes") is match_by_codes
    assert plugins.get_policy("prices", "priority") is select_first_priced


def test_what_is_found_belongs_to_the_call_that_found_it() -> None:
    assert discover_plugins(MemoryPlugin(MemoryStore())).types
    assert not discover_plugins().types


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
    plugins = discover(MemoryPlugin(MemoryStore()), points=[build_entry_point(tmp_path, monkeypatch, name, source)])
    assert len(list_failures(plugins)) == 1
    assert list_failures(plugins)[0].startswith(f"plugin {name}: {line}")
    assert list(plugins.types) == ["memory"]


def test_an_entry_point_that_names_no_module_is_one_line() -> None:
    plugins = discover(points=[EntryPoint("gone", "no_such_plugin", ENTRY_POINT_GROUP)])
    assert list_failures(plugins) == [
        "plugin gone: failed on import: ModuleNotFoundError: No module named 'no_such_plugin'"
    ]


def test_a_misspelt_hook_is_one_line() -> None:
    class Misspelt:
        @hookimpl
        def gateway_regster(self, registry: Registry) -> None:
            raise AssertionError("never called")

    (line,) = list_failures(discover_plugins(Misspelt()))
    assert line.startswith("plugin Misspelt: its hooks are not those of the SDK: unknown hook 'gateway_regster'")


def test_a_hook_with_other_arguments_is_one_line() -> None:
    class Wrong:
        @hookimpl
        def gateway_register(self, registry: Registry, settings: object) -> None:
            raise AssertionError("never called")

    (line,) = list_failures(discover_plugins(Wrong()))
    assert line.startswith("plugin Wrong: its hooks are not those of the SDK:")
    assert "settings" in line


def test_a_hook_that_raises_is_one_line() -> None:
    class Raising:
        @hookimpl
        def gateway_register(self, registry: Registry) -> None:
            raise KeyError("licence")

    assert list_failures(discover_plugins(Raising())) == ["plugin Raising: failed on import: KeyError: 'licence'"]


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (replace(PLAIN, sdk=">=2,<3"), "plugin plain: requires SDK >=2,<3, this gateway has 1.3"),
        (replace(PLAIN, sdk="soon"), "plugin plain: its sdk 'soon' is not a version specifier such as >=1,<2"),
        (replace(PLAIN, version=""), "plugin plain: its version must be a text of at most 100 characters"),
        (replace(PLAIN, name="Plain!"), "plugin Plain!: the name 'Plain!' is not lower-case letters, digits, - and _"),
        (replace(PLAIN, kind=cast_to_any("POS")), "plugin plain: its kind is not one of POS, STOREFRONT, MARKETPLACE"),
        (
            replace(PLAIN, config=cast_to_any(dict)),
            "plugin plain: its config must be a subclass of gateway.sdk.Config",
        ),
        (PLAIN.name, "plugin RegisteringPlugin: registers str as a channel, expected ChannelType"),
    ],
)
def test_a_channel_type_that_does_not_fit_is_one_line_and_the_rest_is_used(kind: Any, line: str) -> None:
    plugins = discover_plugins(RegisteringPlugin(kind), MemoryPlugin(MemoryStore()))
    assert list_failures(plugins) == [line]
    assert list(plugins.types) == ["memory"]


def test_of_two_channel_types_of_one_name_the_first_is_used_and_the_second_named() -> None:
    plugins = discover_plugins(RegisteringPlugin(PLAIN), RegisteringPlugin(replace(PLAIN, version="2")))
    assert list_failures(plugins) == [
        "plugin plain: another plugin registers a channel type of this name; the first one is used"
    ]
    assert plugins.versions == {"plain": "1"}


@pytest.mark.parametrize(
    ("policies", "line"),
    [
        (
            {("loyalty", "points"): match_by_codes},
            "registers a policy of the unknown kind loyalty; "
            "expected one of matching, prices, recognition, related, routing, taxes",
        ),
        (
            {("matching", "codes"): match_by_codes},
            "another plugin registers the matching policy codes; the first one is used",
        ),
        ({("prices", "best"): 3}, "the prices policy best is not callable"),
    ],
)
def test_a_policy_that_does_not_fit_is_one_line(policies: dict[tuple[str, str], Any], line: str) -> None:
    assert list_failures(discover_plugins(RegisteringPlugin(policies=policies))) == [
        f"plugin RegisteringPlugin: {line}"
    ]


def test_a_plugins_policy_can_be_chosen_and_a_missing_one_is_named() -> None:
    plugins = discover_plugins(RegisteringPlugin(policies={("prices", "best"): select_first_priced}))
    assert plugins.get_policy("prices", "best") is select_first_priced
    with pytest.raises(SettingsError) as raised:
        plugins.get_policy("prices", "worst")
    assert raised.value.problems == ("catalogue.prices: there is no policy worst; expected one of best, priority",)
