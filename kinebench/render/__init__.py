"""Rollout -> Clip. The only package that imports bpy, always in a worker process of its own."""
