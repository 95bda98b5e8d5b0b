"""Persistent state: the tables, and the SQL statements grouped by noun. No other package imports sqlalchemy."""
