"""A till to play with: a real database of the built-in layout, loaded from a world, sold from and broken."""

from gateway_sqlpos.sandbox.twin import TillSandbox, open_sandbox, start

__all__ = ["TillSandbox", "open_sandbox", "start"]
