"""What is true: the definitions in exact arithmetic, the number formats, and the engine that rounds with certainty."""
