"""Regular expressions as data → those of PostgreSQL that find the same texts."""
