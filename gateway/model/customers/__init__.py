"""Customers: their records in channels, and what is known of them over all channels."""
