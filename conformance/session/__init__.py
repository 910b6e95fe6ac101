"""A measuring session: plan, workers, recorder."""
