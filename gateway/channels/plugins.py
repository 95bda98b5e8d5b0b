"""Plugins: found by entry point, the bundled ones too. One that fails is named, and leaves the others alone."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from gateway.channels.answers import plain
from gateway.model.channels import ChannelKind
from gateway.sdk.channel import ENTRY_POINT_GROUP, SDK_VERSION, ChannelType, Hooks, Registry, hookimpl
from gateway.sdk.config import Config
from gateway.sdk.policies import KINDS, codes_only, fewest_nearest_longest, first_priced, no_taxes
from gateway.settings import SettingsError

PROJECT = "commerce_gateway"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_log = logging.getLogger(__name__)

TABLES = {"matching": "catalogue", "prices": "catalogue", "routing": "selling", "taxes": "selling"}
"""Where in the configuration each kind of policy is chosen."""


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """Why a plugin, or a part of it, cannot be used. `name`: the channel type's, or the entry point's."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"plugin {self.name}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Plugins:
    """What there is to configure. `policies` by kind and name."""

    types: dict[str, ChannelType[Any]] = field(default_factory=dict)
    policies: dict[tuple[str, str], Callable[..., Any]] = field(default_factory=dict)
    failures: list[PluginFailure] = field(default_factory=list)

    @property
    def versions(self) -> Mapping[str, str]:
        """The version of each plugin, by the name of its channel type."""
        return {name: kind.version for name, kind in self.types.items()}

    def policy(self, kind: str, name: str) -> Callable[..., Any]:
        """The policy of this name.

        Raises:
            SettingsError: there is none.
        """
        if (kind, name) not in self.policies:
            known = sorted(other for of, other in self.policies if of == kind)
            raise SettingsError(
                [f"{TABLES[kind]}.{kind}: there is no policy {name}; expected one of {', '.join(known) or 'none'}"]
            )
        return self.policies[kind, name]

    def failure(self, name: str) -> PluginFailure | None:
        """Why the plugin of this name cannot be used, where it is known."""
        return next((failure for failure in self.failures if failure.name == name), None)


class DefaultPolicies:
    """The gateway's own policies, registered as a plugin registers its own."""

    @hookimpl
    def gateway_register(self, registry: Registry) -> None:
        registry.policy("matching", "codes", codes_only)
        registry.policy("prices", "priority", first_priced)
        registry.policy("routing", "fewest-nearest-longest", fewest_nearest_longest)
        registry.policy("taxes", "flat", no_taxes)


class UnfitPluginError(Exception):
    """What a plugin registered cannot be used."""


def discover(*extra: object, points: Iterable[EntryPoint] | None = None) -> Plugins:
    """Every plugin that is installed, and the extra ones given here: modules or objects with a `gateway_register`."""
    plugins = Plugins()
    _add(plugins, "gateway", DefaultPolicies)
    installed = entry_points(group=ENTRY_POINT_GROUP) if points is None else points
    for point in sorted(installed, key=lambda point: (point.name, point.value)):
        _add(plugins, point.name, point.load)
    for plugin in extra:
        _add(plugins, _name_of(plugin), partial(_itself, plugin))
    return plugins


def _itself(plugin: object) -> object:
    return plugin


def _add(plugins: Plugins, name: str, load: Callable[[], object]) -> None:
    """What one plugin registers; where it fails, the reason instead."""
    try:
        registry = _registered(name, load())
    except pluggy.PluginValidationError as error:
        plugins.failures.append(PluginFailure(name, f"its hooks are not those of the SDK: {plain(error)}"))
    except UnfitPluginError as error:
        plugins.failures.append(PluginFailure(name, str(error)))
    except (Exception, SystemExit) as error:  # noqa: BLE001 a plugin may raise anything while it is imported
        _log.warning("plugin %s failed", name, exc_info=error)
        plugins.failures.append(PluginFailure(name, f"failed on import: {type(error).__name__}: {plain(error)}"))
    else:
        _take(plugins, name, registry)


def _registered(name: str, plugin: object) -> Registry:
    registry = Registry()
    manager = pluggy.PluginManager(PROJECT)  # one each: a hook that raises would keep the next ones from being called
    manager.add_hookspecs(Hooks)
    manager.register(plugin, name)
    manager.check_pending()
    if not manager.hook.gateway_register.get_hookimpls():
        raise UnfitPluginError("has no gateway_register marked with hookimpl")
    manager.hook.gateway_register(registry=registry)
    return registry


def _take(plugins: Plugins, name: str, registry: Registry) -> None:
    for kind in registry.channels:
        try:
            plugins.types[_fit_name(plugins, kind)] = kind
        except UnfitPluginError as error:
            plugins.failures.append(PluginFailure(_type_name(kind) or name, str(error)))
    for (of, called), policy in registry.policies.items():
        if problem := _policy_problem(plugins, of, called, policy):
            plugins.failures.append(PluginFailure(name, problem))
        else:
            plugins.policies[of, called] = policy


def _fit_name(plugins: Plugins, kind: object) -> str:
    """The name of a channel type that can be used."""
    if not isinstance(kind, ChannelType):
        raise UnfitPluginError(f"registers {type(kind).__name__} as a channel, expected ChannelType")
    if not _NAME.fullmatch(_type_name(kind) or ""):
        raise UnfitPluginError(f"the name {kind.name!r} is not lower-case letters, digits, - and _")
    if kind.name in plugins.types:
        raise UnfitPluginError("a second plugin registers a channel type of this name; the first one is used")
    _check_sdk(kind.sdk)
    if not (isinstance(kind.version, str) and 0 < len(kind.version) <= 100):
        raise UnfitPluginError("its version is not a text of at most 100 characters")
    if not isinstance(kind.kind, ChannelKind):
        raise UnfitPluginError(f"its kind is not one of {', '.join(ChannelKind.__members__)}")
    if not (inspect.isclass(kind.config) and issubclass(kind.config, Config)):
        raise UnfitPluginError("its config is not a class made from gateway.sdk.Config")
    return kind.name


def _check_sdk(wanted: str) -> None:
    try:
        fits = SpecifierSet(wanted).contains(SDK_VERSION)
    except (InvalidSpecifier, TypeError, AttributeError) as error:
        raise UnfitPluginError(f"its sdk {wanted!r} is not a version specifier such as >=1,<2") from error
    if not fits:
        raise UnfitPluginError(f"wants SDK {wanted}, this gateway has {SDK_VERSION}")


def _policy_problem(plugins: Plugins, of: str, called: str, policy: object) -> str | None:
    if of not in KINDS:
        return f"registers a policy of the unknown kind {of}; expected one of {', '.join(KINDS)}"
    if (of, called) in plugins.policies:
        return f"a second plugin registers the {of} policy {called}; the first one is used"
    return None if callable(policy) else f"the {of} policy {called} cannot be called"


def _type_name(kind: object) -> str | None:
    name = getattr(kind, "name", None)
    return name if isinstance(name, str) else None


def _name_of(plugin: object) -> str:
    name = getattr(plugin, "__name__", None)
    return name if isinstance(name, str) else type(plugin).__name__
