"""Cordwood: log ingestion and analytics that accounts for every log."""

__version__ = "0.1.0"
