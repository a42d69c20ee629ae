"""A dataset folder made ready for others, and pushed to the Hub."""
