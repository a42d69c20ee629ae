"""Submissions -> results -> standings -> pages; the study and the hidden seasons. Scores come from `scoring` alone."""
