"""Who may do what: keys and the tenants they open."""
