"""What is known of the declared queries: their plans, their times, and how both grow with the tables."""
