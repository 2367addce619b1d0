"""The library of faults, and what finds them."""
