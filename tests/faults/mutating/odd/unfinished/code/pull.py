"""Nothing is pulled yet."""
