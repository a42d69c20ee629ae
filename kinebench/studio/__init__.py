"""A page on this machine: photo, arrows, velocity mask, and the clips that methods make of them."""
