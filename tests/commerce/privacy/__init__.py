"""Tests of exports and erases."""
