"""A hidden test split: made from a secret salt, released as conditions, revealed at the end. See docs/season.md."""
