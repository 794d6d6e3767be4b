"""Service: batch → store → ack."""
