"""python -m trueline.conformance is the command line."""

from trueline.conformance.cli import main

main(prog_name="trueline")
