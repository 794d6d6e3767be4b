"""How much a tenant may still send: rates and the day's bytes, counted in this process or in Redis."""
