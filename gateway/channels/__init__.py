"""Channels: finds plugins, opens each channel on its own thread, and guards every call."""
