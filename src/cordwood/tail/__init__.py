"""The live feed from workers to whoever watches: `interface` says what it promises; `memory` and `redis` carry it."""
