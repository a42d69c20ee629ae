"""A blinded study of pairs of videos: made, served to participants, and reported."""
