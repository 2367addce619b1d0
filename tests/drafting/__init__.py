"""The drafting of a parameter file."""
