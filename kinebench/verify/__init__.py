"""A dataset folder against itself: files, records, laws of motion, pictures, the set as a whole."""
