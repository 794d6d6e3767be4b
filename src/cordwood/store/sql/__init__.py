"""Pipes → SQL: one compiler for both stores. What differs between their databases is a `Dialect`, and where events are
is a `Source`."""
