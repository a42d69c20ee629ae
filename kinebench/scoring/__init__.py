"""Predictions + dataset -> scores: reading, storing, summarising, comparing. Knows all metrics; no metric knows it."""
