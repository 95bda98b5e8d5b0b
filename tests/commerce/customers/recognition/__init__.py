"""Tests of the recognition of customers, a pure function."""
