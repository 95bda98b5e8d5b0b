"""Loaders of customers."""
