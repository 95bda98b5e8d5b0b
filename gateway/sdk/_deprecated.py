"""Old import paths and old names of the SDK: they stay importable, with a `DeprecationWarning`, until SDK 1.2."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

GetAttribute = Callable[[str], Any]
"""The function `__getattr__` of a module (PEP 562)."""


def alias_module(old: str, new: str) -> GetAttribute:
    """Warn that the module `old` has moved to `new`, and return its `__getattr__`, which reads from `new`.

    Call it at the top level of the old module.
    """
    warnings.warn(f"{old} is deprecated; import {new} instead", DeprecationWarning, stacklevel=3)
    module = import_module(new)

    def get_attribute(name: str) -> Any:
        if name.startswith("__"):  # the import system asks for `__path__`: an old module must not pass for a package
            raise AttributeError(f"module {old!r} has no attribute {name!r}")
        return getattr(module, name)

    return get_attribute


def alias_names(module: str, names: Mapping[str, str]) -> GetAttribute:
    """Return the `__getattr__` of a module whose names were changed: `names` are new names by old names."""

    def get_attribute(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warnings.warn(
            f"{module}.{name} is deprecated; use {module}.{names[name]} instead", DeprecationWarning, stacklevel=2
        )
        return getattr(import_module(module), names[name])

    return get_attribute
