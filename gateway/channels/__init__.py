"""Channels: plugins are found, channels opened on threads of their own, and every call of one guarded."""
