"""Gateways to search, shared by the tests of a module."""

from __future__ import annotations

from tests.graphql.conftest import own_world, shared_world, world

__all__ = ["own_world", "shared_world", "world"]
