"""Filters as text: one file for each family; `terms` joins them, `values` chooses by what stands there."""
