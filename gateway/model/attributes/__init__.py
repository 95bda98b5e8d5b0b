"""Attributes of products and variants: what the configuration declares, and the values of channels."""
