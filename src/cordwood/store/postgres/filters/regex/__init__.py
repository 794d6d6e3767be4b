"""RE2's syntax → regular expressions of PostgreSQL that find the same texts: read, sets of characters, written."""
