"""A copy of the embedded parts, taken while they work, and how it becomes a data directory again.

What is kept lies in databases, which are copied as they are at one moment, and in files that never change, which one
of the databases names.
"""
