"""A method turns a condition into a video. The contract, and everything that drives it."""
