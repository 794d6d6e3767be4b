"""Saved queries and alerts: where they are kept (`book`, `kept` and `outbox`, on the tables of `sqlite` or `postgres`),
how rules are checked and evaluated, and how receivers are told (`delivering`, `receivers`).
"""
