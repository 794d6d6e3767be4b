"""SQL of users over segments: checked, then run by a process of its own that can reach nothing but the segments."""
