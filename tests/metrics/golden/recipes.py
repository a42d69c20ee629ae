"""Deterministic input recipes for the golden vectors (numpy only, no peer code).

Every random number comes from numpy.random.RandomState (legacy MT19937 stream, frozen by NumPy's
compatibility policy), so another implementer regenerates every input without any file.
All arithmetic is elementwise (no BLAS), integers wherever a rounding could matter.

"""

import hashlib

import numpy as np

SEEDS = {"main": 1000}


def sha(a):
    a = np.ascontiguousarray(a)
    return hashlib.sha256(str(a.dtype).encode() + str(a.shape).encode() + a.tobytes()).hexdigest()


# ---------------------------------------------------------------- 1. Frechet features
def frechet_features(seed, n1, n2, d):
    """two correlated gaussian-ish feature sets, float64 (n1,d), (n2,d)"""
    rs = np.random.RandomState(seed)
    s = 1.0 / (1.0 + np.arange(d, dtype=np.float64) / 8.0)
    f1 = rs.standard_normal((n1, d)) * s + 0.5 * rs.standard_normal((n1, 1))
    f2 = rs.standard_normal((n2, d)) * (1.1 * s) + 0.4 * rs.standard_normal((n2, 1)) + 0.2
    return f1, f2


# ---------------------------------------------------------------- 2. FVMD trajectories
def fvmd_grid(n=20, size=256):
    """official run_tracking grid: 8 + i/(n-1)*(size-16); point index = row*n + col; last axis (x, y); float32"""
    i = np.arange(n, dtype=np.float32)
    g = np.float32(8) + i / np.float32(n - 1) * np.float32(size - 16)
    y, x = np.meshgrid(g, g, indexing="ij")
    return np.stack([x.reshape(-1), y.reshape(-1)], -1).astype(np.float32)  # (400, 2)


def fvmd_trajs(seed, clips, frames=16, speed=3.0, accel=0.3):
    """(clips, frames, 400, 2) float32 tracks: every third grid point is on a mover, the rest are noisy background"""
    rs = np.random.RandomState(seed)
    base = fvmd_grid().astype(np.float64)
    n = base.shape[0]
    t = np.arange(frames, dtype=np.float64)[:, None, None]
    out = np.empty((clips, frames, n, 2), np.float32)
    idx = np.arange(n)
    for b in range(clips):
        v = rs.uniform(-speed, speed, (1, 1, 2))
        a = rs.uniform(-accel, accel, (1, 1, 2))
        sigma = 0.02 + 0.3 * rs.uniform()
        noise = rs.standard_normal((frames, n, 2)) * sigma
        mover = ((idx + b) % 3 == 0).astype(np.float64)[None, :, None]
        tr = base[None] + (v * t + 0.5 * a * t * t) * mover + noise
        tr[0] = base
        out[b] = tr.astype(np.float32)
    return out


LATTICE = np.array(
    [
        (0, 0),
        (1, 0),
        (0, 1),
        (-1, 0),
        (0, -1),
        (1, 1),
        (-1, 1),
        (1, -1),
        (-1, -1),
        (2, 0),
        (3, 0),
        (0, -3),
        (7, 0),
        (0, 15),
        (-31, 0),
        (0, 127),
        (255, 0),
        (300, 0),
        (-300, 300),
        (5, -5),
        (-0.0, -1.0),
        (-0.0, 1.0),
        (1.0, -0.0),
        (-1.0, -0.0),
        (0.0, -2.0),
        (-7.0, -0.0),
    ],
    np.float32,
)


def fvmd_lattice(k, clips=2, frames=16, n=400):
    """velocity field (clips, frames, n, 2) float32 that sits on every bin edge of the angle / magnitude quantiser"""
    c, t, p = np.meshgrid(np.arange(clips), np.arange(frames), np.arange(n), indexing="ij")
    return LATTICE[(p + 7 * t + 11 * c + k) % len(LATTICE)]


# ---------------------------------------------------------------- 3./4. videos and network weights
def block_video(seed, frames, h, w, block=4):
    """(frames, h, w, 3) uint8: random block texture rolling (1, 2) px / frame plus a square rolling (3, -2)"""
    rs = np.random.RandomState(seed)
    tex = rs.randint(0, 256, (-(-h // block), -(-w // block), 3)).astype(np.uint8)
    tex = tex.repeat(block, 0).repeat(block, 1)[:h, :w]
    sq = rs.randint(0, 256, (h // 4, w // 4, 3)).astype(np.uint8)
    vid = np.empty((frames, h, w, 3), np.uint8)
    ys, xs = np.arange(h // 4), np.arange(w // 4)
    for t in range(frames):
        f = np.roll(tex, (t, 2 * t), (0, 1)).copy()
        f[np.ix_((h // 3 + 3 * t + ys) % h, (w // 2 - 2 * t + xs) % w)] = sq
        vid[t] = f
    return vid


def fill_state(shapes, seed, special=None):
    """weights for a network: dict key -> float32 array, keys visited in sorted order, ONE RandomState stream.

    *.num_batches_tracked -> int64 0, no draw;  *.running_var -> 1 + 0.5*|z|;  *.running_mean -> 0.1*z;
    ndim >= 2 -> z*sqrt(2/fan_in) (fan_in = prod(shape[1:]));  1-d '...weight' -> 1 + 0.1*z;  other 1-d -> 0.05*z.
    `special` maps a key to a factor applied on top.
    """
    rs = np.random.RandomState(seed)
    out = {}
    for k in sorted(shapes):
        s = tuple(shapes[k])
        if k.endswith("num_batches_tracked"):
            out[k] = np.zeros(s, np.int64)
            continue
        z = rs.standard_normal(s)
        if k.endswith("running_var"):
            w = 1.0 + 0.5 * np.abs(z)
        elif k.endswith("running_mean"):
            w = 0.1 * z
        elif len(s) >= 2:
            w = z * np.sqrt(2.0 / float(np.prod(s[1:])))
        elif k.endswith("weight"):
            w = 1.0 + 0.1 * z
        else:
            w = 0.05 * z
        out[k] = (w * (special or {}).get(k, 1.0)).astype(np.float32)
    return out


PIPS_SPECIAL = {"delta_block.dense.weight": 0.02, "delta_block.dense.bias": 0.2}


# ---------------------------------------------------------------- 5. masks
def masks(seed, frames=12, h=48, w=72):
    """(frames, 3, h, w) bool ground truth and prediction.

    Object 0: disc on a straight path, prediction jittered, never empty. Object 1: square, prediction lost (empty)
    from frame 8. Object 2: square that leaves (both empty) from frame 9, prediction one frame late.
    """
    rs = np.random.RandomState(seed)
    y, x = np.mgrid[0:h, 0:w]
    gt = np.zeros((frames, 3, h, w), bool)
    pd = np.zeros((frames, 3, h, w), bool)
    for t in range(frames):
        j = rs.randint(-3, 4, (3, 2))
        r = 7 + rs.randint(-1, 2)
        cx, cy = 12 + 4 * t, 14 + t
        gt[t, 0] = (x - cx) ** 2 + (y - cy) ** 2 <= 49
        pd[t, 0] = (x - cx - j[0, 0]) ** 2 + (y - cy - j[0, 1]) ** 2 <= r * r
        gt[t, 1] = (abs(x - 50 + 2 * t) <= 6) & (abs(y - 34) <= 5)
        if t < 8:
            pd[t, 1] = (abs(x - 50 + 2 * t - j[1, 0]) <= 6) & (abs(y - 34 - j[1, 1]) <= 5)
        if t < 9:
            gt[t, 2] = (abs(x - 64 - t) <= 4) & (abs(y - 8) <= 4)
        if t < 10:
            pd[t, 2] = (abs(x - 64 - t - j[2, 0]) <= 4) & (abs(y - 8 - j[2, 1]) <= 4)
    return gt, pd


# ---------------------------------------------------------------- 6. paired videos for MSE / PSNR / SSIM
def video_pair(seed, n=2, frames=6, h=40, w=56):
    """(n, frames, h, w, 3) uint8 pair: second = first + integer noise in [-12, 12], clipped"""
    rs = np.random.RandomState(seed)
    a = np.stack([block_video(seed + 1 + i, frames, h, w) for i in range(n)])
    b = np.clip(a.astype(np.int64) + rs.randint(-12, 13, a.shape), 0, 255).astype(np.uint8)
    return a, b
