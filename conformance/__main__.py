"""python -m gaugeblock.conformance is the command line."""

from gaugeblock.conformance.cli.app import main

main(prog_name="gaugeblock")
