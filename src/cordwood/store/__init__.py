"""Where events stay: `interface` says what a store promises each kind of caller; `segments` and `postgres` keep it."""
