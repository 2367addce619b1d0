"""A sync that runs in the background, asked as it runs: its API, its workers and their broker, its schedule."""
