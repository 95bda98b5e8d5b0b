"""Tests of loyalty points."""
