"""What goes on in the shops while the sample runs."""
