"""Small systems, each of another shape than the samples: what a parameter file can describe without any code."""
