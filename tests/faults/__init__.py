"""Faults of the world around the program, with real processes and files: `python -m tests.faults --help`."""
