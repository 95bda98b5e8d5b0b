"""Imports every path that the SDK had before its modules were renamed; run with deprecation warnings as errors off."""

from gateway.sdk.requests import Budget
from gateway.sdk.shapes import text
from gateway.sdk.testing.memory import MemoryStore
from gateway.sdk.testing.rows import product

print(Budget.__name__, text.__name__, MemoryStore.__name__, product.__name__)
