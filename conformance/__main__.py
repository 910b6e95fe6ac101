"""python -m gaugeblock.conformance is the command line."""

from gaugeblock.conformance.cli import main

main(prog_name="gaugeblock")
