"""What other tools see of the same faults, each set up as its own documentation recommends; README.md tells how."""
