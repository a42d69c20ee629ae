"""Scene + Rollout -> segmentation, velocity masks, depth, flow, normals, tracks, captions. Numpy only."""
