"""How each kind of receiver is reached. Calls block, for threads; each says why it was not taken by `NotTaken`."""
