"""A photo, an arrow: from them the condition of a clip that nobody filmed."""
