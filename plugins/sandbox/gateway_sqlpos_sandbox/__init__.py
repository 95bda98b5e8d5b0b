"""Sandbox of a till: a real database in the built-in layout, with a world, sales and faults."""

from gateway_sqlpos_sandbox.sandbox import SqlPosSandbox, open_sandbox, start
from gateway_sqlpos_sandbox.schema import Family

__all__ = ["Family", "SqlPosSandbox", "open_sandbox", "start"]
