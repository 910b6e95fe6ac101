"""Tables of implementations that are too long to stand in their adapters."""
