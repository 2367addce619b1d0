"""Tables that no query can make: what the code, the provider and the database say, side by side. They judge nothing."""
