"""Events as Parquet segments in a directory, with a SQLite catalog of what exists, written and read by DuckDB."""
