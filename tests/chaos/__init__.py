"""Kill, cut, fill, flip: numbered events through real processes, a fault, then an exact reconciliation."""
