"""How large a query may be: what comes from outside is bounded before it costs anything."""

MAX_CHARACTERS = 65_536
MAX_TERMS = 1_024
"""Conditions, operators and functions, all together."""
MAX_PIPES = 64
MAX_DEPTH = 32
"""Of what is within one another: also of what evaluates, renders and compiles a search by recursion."""
MAX_REGEX = 1_000
