"""What was observed: run files, their comparison, and the pages, tables and data made from them."""

if __name__ == "reports":
    raise ImportError("import gaugeblock.reports: this folder of a clone would be a second copy of it")
