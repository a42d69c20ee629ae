"""Recipe + seed -> Scene. Numpy only: this package knows neither Bullet nor Blender."""
