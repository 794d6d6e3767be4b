"""The query language: text → search, search → text, and whether one event matches. Pure: no I/O.

`parser.parse` reads, `rendering.render` writes, `match.matcher` tells of one event, `checks` looks for names that no
event has, `completion` says what may come next, `problems.shown` draws an error.
"""
