"""Short memory for answers: `interface` says what a cache promises; `memory` and `redis` keep it."""
