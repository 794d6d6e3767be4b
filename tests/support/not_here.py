"""What this machine does not allow."""


class NotHere(Exception):
    """A test needs what this machine does not allow; the message says what that is."""
