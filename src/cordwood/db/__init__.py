"""How a connection is held: SQLite, PostgreSQL, and the migration runner. No word of logs in it."""
