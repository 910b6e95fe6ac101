"""What frameworks offer. One module for each framework; none is imported before its adapter loads it."""

if __name__ == "adapters":
    raise ImportError("import gaugeblock.adapters: this folder of a clone would be a second copy of it")
