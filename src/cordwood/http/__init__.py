"""What every HTTP room shares: the server, bounded bodies, keys, errors as answers."""
