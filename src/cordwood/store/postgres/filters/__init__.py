"""Filters of the language → conditions on the `logs` table: paths into jsonb, texts, numbers, regular expressions."""
