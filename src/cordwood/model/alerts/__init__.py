"""Saved queries, and rules that watch what is stored: as data, and how a rule's state goes on. No I/O."""
