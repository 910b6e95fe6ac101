"""What must hold: cases, checks, probes, relations, the pytest suite and the command line. Imports no framework."""
