"""A dataset for the eye: one page with players, and contact sheets."""
