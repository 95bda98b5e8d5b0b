"""Keeping what we know like what the channels have: feeds, hints, sweeps, and the schedule of it all."""
