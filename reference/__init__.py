"""What is true: the definitions in exact arithmetic, the number formats, and the engine that rounds with certainty."""

if __name__ == "reference":
    raise ImportError("import gaugeblock.reference: this folder of a clone would be a second copy of it")
