"""`check`: the suite's judgement on a callable that somebody hands in."""
