"""Pipes as text: one file for each, which reads and writes it; `known` is the list."""
