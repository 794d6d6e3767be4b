"""What query processes of one installation tell each other: `interface` says what; `alone` and `redis` are where."""
