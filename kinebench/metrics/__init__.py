"""How far a generated clip is from the truth: one file per metric, and what they share."""
