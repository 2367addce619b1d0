"""Small but real systems for the audits to look at, each runnable by itself."""
