"""Sandbox of an Amazon seller account: Login with Amazon and the used operations, over HTTP with rate limits."""

from gateway_amazon_sandbox.sandbox import AmazonSandbox, start

__all__ = ["AmazonSandbox", "start"]
