"""Writes of customers."""
