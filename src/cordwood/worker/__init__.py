"""Service: batch → store → tail, ack."""
