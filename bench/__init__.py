"""Benchmarks: a load generator for any system that takes NDJSON over HTTP, and the suite that writes RESULTS.md.

`python -m bench --help`. None of it is a test: figures depend on the machine.
"""
