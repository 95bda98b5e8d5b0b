"""Customers of a till, and the points that it shows with them."""
