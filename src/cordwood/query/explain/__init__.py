"""`POST /api/v1/explain`: what differs between events and others that they are compared with. `sides` tells which these
are, `contrast` has the mathematics, `candidates` what is compared, `explainer` asks the store, `routes` answers."""
