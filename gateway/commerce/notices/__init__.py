"""Notices: what outgoing webhooks say to other systems (rule N3)."""
