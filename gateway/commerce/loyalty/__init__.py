"""Loyalty: points that purchases earn, redemptions spend and time lets expire (rules Y1 to Y10)."""
