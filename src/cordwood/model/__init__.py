"""What travels: frozen types, their bytes, and the rules that derive one from another. No I/O."""
