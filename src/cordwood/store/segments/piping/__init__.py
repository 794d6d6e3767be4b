"""Pipes over segments: what `store.sql` makes, for DuckDB."""
