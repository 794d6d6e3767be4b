"""Answers put together from parts of their time range. `parts` cuts a range; a recipe (`tables`, `counts`) asks a store
for the rows of some parts, and tells how those of different parts are merged (`merging`); `keeping` keeps each part
under the version of what it was made of, and asks for those only that are new or changed. Why: docs/decisions/0023.
"""
