"""A dataset in numbers and figures, from its records or from a recipe simulated without a picture."""
