"""Service: parameters → plan → cache or store → answer."""
