"""A Shopify store's twin: its API over HTTP, loaded with a world, sold from and broken."""

from gateway_shopify.sandbox.twin import ShopSandbox, start

__all__ = ["ShopSandbox", "start"]
