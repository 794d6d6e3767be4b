"""What a filter of the language asks of segments: `conditions` is it as SQL, over columns and over events kept as text;
`wanting` tells which row groups cannot hold a match.

`language/match.py` is what both are compared with.
"""
