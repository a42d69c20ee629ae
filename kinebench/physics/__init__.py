"""Scene -> Rollout. The only package that imports pybullet, and only in `bullet.py`."""
