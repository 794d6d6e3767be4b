"""How large a query may be: what comes from outside is bounded before it costs anything."""

MAX_CHARACTERS = 65_536
MAX_TERMS = 1_024
"""Conditions, operators and functions, all together."""
MAX_PIPES = 64
MAX_DEPTH = 32
"""Of what is within one another: also of what evaluates, renders and compiles a search by recursion."""
MAX_REGEX = 1_000
"""Characters of a regular expression, and of a text with wildcards, which becomes one."""
MAX_REGEXES = 128
"""Of both together."""
REGEX_MEMORY_BYTES = 4 << 20
"""What RE2 may use for one of them: beyond it, it searches in less memory, more slowly."""
