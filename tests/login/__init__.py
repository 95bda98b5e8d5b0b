"""Tests of the login of shoppers."""
