"""`gateway webhooks`: outgoing webhooks."""
