"""Delivery of notices to the endpoints of outgoing webhooks (rules N3, N4)."""
