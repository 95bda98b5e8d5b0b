"""Test helpers: an in-memory channel with fault injection, record builders, and the kit for sandboxes."""
