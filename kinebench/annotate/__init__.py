"""Clip + Rollout -> velocity masks, segmentation, depth, flow, events, captions. Numpy only."""
