"""Wire format ⇄ events. Pure: bytes in, events and rejects out; one file a format."""
