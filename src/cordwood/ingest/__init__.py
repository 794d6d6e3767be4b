"""Service: request → events → batch → broker → receipt."""
