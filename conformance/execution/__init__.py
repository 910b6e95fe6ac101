"""How it is sent: calls, the worker process that evaluates them, and what supervises it."""
