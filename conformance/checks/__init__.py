"""Rules: to which settings each applies, and what it asks there."""
