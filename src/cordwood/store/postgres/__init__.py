"""Events as rows of a partitioned PostgreSQL table, written by binary COPY."""
