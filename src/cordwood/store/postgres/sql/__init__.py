"""SQL of users over rows: a login for each tenant, a view that finds the tenant by it, and questions asked as one."""
