"""Our HTTP API from outside: used by the command line, and by people."""
