"""The syntax of RE2 as data: read, sets of characters, and which texts must be there."""
