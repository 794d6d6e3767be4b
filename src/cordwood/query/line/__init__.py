"""The line in which a person writes a query: what it makes, what may come next, and clauses put into it by a click."""
