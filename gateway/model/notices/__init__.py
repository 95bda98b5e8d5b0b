"""Notices: what the gateway tells other systems by webhooks."""
