"""Plugin registry: finds plugins by entry point, bundled ones too. A plugin that fails is reported and leaves others
alone.
"""

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

from gateway.model.channels import ChannelKind
from gateway.model.validation import sanitize_message
from gateway.sdk.channel import ENTRY_POINT_GROUP, SDK_VERSION, ChannelType, Hooks, Registry, hookimpl
from gateway.sdk.config import Config
from gateway.sdk.policies import (
    KINDS,
    apply_no_taxes,
    match_by_codes,
    rank_by_evidence,
    rank_by_parts_distance_age,
    recognize_by_evidence,
    select_first_priced,
)
from gateway.settings.problems import SettingsError

PLUGGY_PROJECT = "commerce_gateway"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_log = logging.getLogger(__name__)

POLICY_TABLES = {
    "matching": "catalogue",
    "prices": "catalogue",
    "recognition": "customers",
    "related": "catalogue",
    "routing": "selling",
    "taxes": "selling",
}
"""Table of the configuration that selects each kind of policy."""


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """Why a plugin, or a part of it, cannot be used. `name`: of the channel type, or of the entry point."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"plugin {self.name}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Plugins:
    """Installed plugins: channel types by name, policies by kind and name, and failures."""

    types: dict[str, ChannelType[Any]] = field(default_factory=dict)
    policies: dict[tuple[str, str], Callable[..., Any]] = field(default_factory=dict)
    failures: list[PluginFailure] = field(default_factory=list)

    @property
    def versions(self) -> Mapping[str, str]:
        """Versions of plugins, by the name of their channel type."""
        return {name: kind.version for name, kind in self.types.items()}

    def get_policy(self, kind: str, name: str) -> Callable[..., Any]:
        """Return the policy of this name.

        Raises:
            SettingsError: there is no such policy.
        """
        if (kind, name) not in self.policies:
            table = f"{POLICY_TABLES[kind]}.{kind}"
            names = sorted(other_name for other_kind, other_name in self.policies if other_kind == kind)
            raise SettingsError([f"{table}: there is no policy {name}; expected one of {', '.join(names) or 'none'}"])
        return self.policies[kind, name]

    def find_failure(self, name: str) -> PluginFailure | None:
        """Return why the plugin of this name cannot be used, or None."""
        return next((failure for failure in self.failures if failure.name == name), None)


class DefaultPolicies:
    """The gateway's own policies, registered the way a plugin registers its own."""

    @hookimpl
    def gateway_register(self, registry: Registry) -> None:
        registry.policy("matching", "codes", match_by_codes)
        registry.policy("prices", "priority", select_first_priced)
        registry.policy("recognition", "evidence", recognize_by_evidence)
        registry.policy("related", "evidence", rank_by_evidence)
        registry.policy("routing", "fewest-nearest-longest", rank_by_parts_distance_age)
        registry.policy("taxes", "flat", apply_no_taxes)


class InvalidPluginError(Exception):
    """A plugin registers something that cannot be used."""


def discover(*extra: object, points: Iterable[EntryPoint] | None = None) -> Plugins:
    """Discover all installed plugins. `extra`: more plugins, as modules or objects with a `gateway_register`."""
    plugins = Plugins()
    _add_plugin(plugins, "gateway", DefaultPolicies)
    installed = entry_points(group=ENTRY_POINT_GROUP) if points is None else points
    for point in sorted(installed, key=lambda point: (point.name, point.value)):
        _add_plugin(plugins, point.name, point.load)
    for plugin in extra:
        _add_plugin(plugins, _get_plugin_name(plugin), partial(_return_plugin, plugin))
    return plugins


def _return_plugin(plugin: object) -> object:
    return plugin


def _add_plugin(plugins: Plugins, name: str, load: Callable[[], object]) -> None:
    """Add what a plugin registers, or the reason why it fails."""
    try:
        registry = _call_register(name, load())
    except pluggy.PluginValidationError as error:
        plugins.failures.append(PluginFailure(name, f"its hooks are not those of the SDK: {sanitize_message(error)}"))
    except InvalidPluginError as error:
        plugins.failures.append(PluginFailure(name, str(error)))
    except (Exception, SystemExit) as error:  # noqa: BLE001 a plugin may raise anything during its import
        _log.warning("plugin %s failed", name, exc_info=error)
        plugins.failures.append(
            PluginFailure(name, f"failed on import: {type(error).__name__}: {sanitize_message(error)}")
        )
    else:
        _collect(plugins, name, registry)


def _call_register(name: str, plugin: object) -> Registry:
    registry = Registry()
    manager = pluggy.PluginManager(
        PLUGGY_PROJECT
    )  # one per plugin: a hook that raises would keep the next ones from being called
    manager.add_hookspecs(Hooks)
    manager.register(plugin, name)
    manager.check_pending()
    if not manager.hook.gateway_register.get_hookimpls():
        raise InvalidPluginError("has no gateway_register marked with hookimpl")
    manager.hook.gateway_register(registry=registry)
    return registry


def _collect(plugins: Plugins, name: str, registry: Registry) -> None:
    for kind in registry.channels:
        try:
            plugins.types[_check_type(plugins, kind)] = kind
        except InvalidPluginError as error:
            plugins.failures.append(PluginFailure(_get_type_name(kind) or name, str(error)))
    for (policy_kind, policy_name), policy in registry.policies.items():
        if problem := _check_policy(plugins, policy_kind, policy_name, policy):
            plugins.failures.append(PluginFailure(name, problem))
        else:
            plugins.policies[policy_kind, policy_name] = policy


def _check_type(plugins: Plugins, kind: object) -> str:
    """Check a channel type. Return its name."""
    if not isinstance(kind, ChannelType):
        raise InvalidPluginError(f"registers {type(kind).__name__} as a channel, expected ChannelType")
    if not _NAME.fullmatch(_get_type_name(kind) or ""):
        raise InvalidPluginError(f"the name {kind.name!r} is not lower-case letters, digits, - and _")
    if kind.name in plugins.types:
        raise InvalidPluginError("another plugin registers a channel type of this name; the first one is used")
    _check_sdk(kind.sdk)
    if not (isinstance(kind.version, str) and 0 < len(kind.version) <= 100):
        raise InvalidPluginError("its version must be a text of at most 100 characters")
    if not isinstance(kind.kind, ChannelKind):
        raise InvalidPluginError(f"its kind is not one of {', '.join(ChannelKind.__members__)}")
    if not (inspect.isclass(kind.config) and issubclass(kind.config, Config)):
        raise InvalidPluginError("its config must be a subclass of gateway.sdk.Config")
    return kind.name


def _check_sdk(specifier: str) -> None:
    try:
        is_compatible = SpecifierSet(specifier).contains(SDK_VERSION)
    except (InvalidSpecifier, TypeError, AttributeError) as error:
        raise InvalidPluginError(f"its sdk {specifier!r} is not a version specifier such as >=1,<2") from error
    if not is_compatible:
        raise InvalidPluginError(f"requires SDK {specifier}, this gateway has {SDK_VERSION}")


def _check_policy(plugins: Plugins, kind: str, name: str, policy: object) -> str | None:
    if kind not in KINDS:
        return f"registers a policy of the unknown kind {kind}; expected one of {', '.join(KINDS)}"
    if (kind, name) in plugins.policies:
        return f"another plugin registers the {kind} policy {name}; the first one is used"
    return None if callable(policy) else f"the {kind} policy {name} is not callable"


def _get_type_name(kind: object) -> str | None:
    name = getattr(kind, "name", None)
    return name if isinstance(name, str) else None


def _get_plugin_name(plugin: object) -> str:
    name = getattr(plugin, "__name__", None)
    return name if isinstance(name, str) else type(plugin).__name__
