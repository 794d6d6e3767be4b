"""Segments that many processes write and read: files in a directory that they share, named and booked in PostgreSQL."""
