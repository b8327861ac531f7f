"""What a user gets: numbers and digits with their confidence, accepted, or doubtful with a reason."""
