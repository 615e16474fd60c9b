"""Faults of the world around the program, with real processes, files and signals: see `python -m tests.faults --help`."""
