"""Customers of the shop: their logins, consents and erasure."""
