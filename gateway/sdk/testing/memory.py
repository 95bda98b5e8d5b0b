"""Deprecated alias of `gateway.sdk.testing.memory_channel`, removed with SDK 1.2."""

from gateway.sdk._deprecated import alias_module

__getattr__ = alias_module(__name__, "gateway.sdk.testing.memory_channel")
