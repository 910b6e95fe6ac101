"""Scripts that show a deviation again: the framework's own API and NumPy, nothing of ours."""
