"""A simulated shop behind servers that speak the vendors' own API shapes."""
