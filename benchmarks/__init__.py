"""What is timed, and against what: `make bench`, or `python -m benchmarks --help`."""
