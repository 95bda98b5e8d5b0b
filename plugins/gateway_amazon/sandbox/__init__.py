"""A seller account to play with: Login with Amazon and the operations that are used, over HTTP and over their rate."""

from gateway_amazon.sandbox.twin import AmazonSandbox, start

__all__ = ["AmazonSandbox", "start"]
