"""Synchronization with channels: feeds, hints, sweeps, outgoing commands, and their schedule."""
