"""What every pipe does, in plain Python over a list: slow, clear, and what both stores' answers are compared with."""
