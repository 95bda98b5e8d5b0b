"""Customers of the store: their records, and their logins."""
