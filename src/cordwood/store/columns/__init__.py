"""Events of many lines → columns, for whatever store keeps them."""
