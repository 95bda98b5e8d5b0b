"""Sandbox of a Shopify store: its API over HTTP, with a world, sales and faults."""

from gateway_shopify_sandbox.sandbox import ShopifySandbox, start

__all__ = ["ShopifySandbox", "start"]
