"""Pipes over rows: what `store.sql` makes, for PostgreSQL."""
