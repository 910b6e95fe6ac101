"""`check`: the suite's judgement on a user's callable."""
