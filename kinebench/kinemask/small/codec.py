"""Clips of the small backbone as latents: principal components of patches, and of what changes since the first frame.

Causal as a video autoencoder is: latent frame 0 is frame 0, latent frame k tells frames 4k-3 to 4k by how they differ
from frame 0. Linear, so an error of a latent is an error of pixels; frame 0 itself is given to every method, and is
never decoded.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError

FRAMES = 4
"""So many frames make one latent frame; the first frame is one of its own."""

SCALARS = ("patch_px", "change_scale", "deviation")

Clip = NDArray[np.uint8]
Latents = NDArray[np.float32]


@dataclass(frozen=True)
class Codec:
    """Bases of patches of `patch_px` x `patch_px` pixels; C components make a channel each.

    `first` (C, p p 3) and `change` (C, 4 p p 3) are orthonormal rows, `mean` (p p 3) is the mean first patch.
    `first_scale` (C,) multiplies the components of frame 0. `change_scale` multiplies all those of changes, whose
    standard deviation over all channels is then `deviation`.
    """

    patch_px: int
    mean: NDArray[np.float32]
    first: NDArray[np.float32]
    change: NDArray[np.float32]
    first_scale: NDArray[np.float32]
    change_scale: float
    deviation: float

    @property
    def channels(self) -> int:
        """C."""
        return len(self.change)

    def encode(self, frames: Clip) -> Latents:
        """A clip (F, H, W, 3), F = 4 T - 3, as latents (T, C, H / p, W / p)."""
        first, change = _patches(frames, self.patch_px)
        still = (first - self.mean) @ self.first.T * self.first_scale
        moving = change @ self.change.T * np.float32(self.change_scale)
        latents = np.concatenate([still[None], moving])
        return np.ascontiguousarray(latents.transpose(0, 3, 1, 2), dtype=np.float32)

    def decode(self, latents: Latents, first: Clip) -> Clip:
        """The clip (F, H, W, 3) of latents (T, C, h, w) that starts with this frame (H, W, 3)."""
        change = (latents[1:].transpose(0, 2, 3, 1) / np.float32(self.change_scale)) @ self.change
        rest = _unpatched(change, self.patch_px) + first.astype(np.float32)
        return np.concatenate([first[None], np.clip(np.rint(rest), 0, 255).astype(np.uint8)])

    def save(self, path: Path) -> None:
        """One safetensors file."""
        from safetensors.numpy import save_file

        save_file({each.name: np.ascontiguousarray(getattr(self, each.name)) for each in fields(self)}, str(path))

    @classmethod
    def load(cls, path: Path) -> "Codec":
        """What `save` wrote. Raises KineBenchError for another file."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            found: dict[str, Any] = load_file(str(path))
            return cls(**(found | {name: found[name].item() for name in SCALARS}))
        except (OSError, SafetensorError, KeyError, TypeError) as error:
            raise KineBenchError(f"{path} is no codec of a small backbone: {error}") from None


def fitted(clips: Iterable[Clip], patch_px: int, channels: int, whitening: float, deviation: float) -> Codec:
    """The codec that loses least of these clips, with so many channels.

    Changes get the standard deviation `deviation` over all channels, small against the noise. Components of frame 0,
    which are only looked at, get their own: `whitening` 1 makes all of them equally large, 0 leaves their proportions.
    """
    size = patch_px**2 * 3
    total, first_square = np.zeros(size), np.zeros((size, size))
    change_square = np.zeros((FRAMES * size, FRAMES * size), np.float32)
    firsts = changes = 0
    for clip in clips:
        first, change = (part.reshape(-1, part.shape[-1]) for part in _patches(clip, patch_px))
        total += first.sum(axis=0, dtype=np.float64)
        first_square += first.T @ first
        change_square += change.T @ change
        firsts, changes = firsts + len(first), changes + len(change)
    if not firsts:
        raise KineBenchError("a codec is fitted to clips, and there is none")
    mean = total / firsts
    still, spread = _components(first_square / firsts - np.outer(mean, mean), channels)
    moving, power = _components(change_square / changes, channels)
    relative = np.sqrt(spread.mean()) ** (1 - whitening) * np.sqrt(np.maximum(spread, 1e-3)) ** whitening
    return Codec(
        patch_px=patch_px,
        mean=mean.astype(np.float32),
        first=still,
        change=moving,
        first_scale=(1 / relative).astype(np.float32),
        change_scale=float(deviation / np.sqrt(power.mean())),
        deviation=deviation,
    )


def _components(covariance: NDArray[np.floating[Any]], count: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The strongest components as rows, each with the sign that makes its sum positive, and their variances."""
    values, vectors = np.linalg.eigh(covariance.astype(np.float64))
    rows = vectors[:, ::-1][:, :count].T
    rows = rows * np.where(rows.sum(axis=1) < 0, -1.0, 1.0)[:, None]
    return np.ascontiguousarray(rows, dtype=np.float32), values[::-1][:count]


def _patches(frames: Clip, patch_px: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of frame 0 (h, w, p p 3), and of what differs from it later (T - 1, h, w, 4 p p 3)."""
    count, height, width, _ = frames.shape
    if (count - 1) % FRAMES or count < 1 + FRAMES or height % patch_px or width % patch_px:
        raise KineBenchError(
            f"a clip of {count} frames of {width}x{height} pixels does not fit the small backbone: it takes "
            f"1 + {FRAMES} k frames, and sizes that are multiples of {patch_px}"
        )
    rows, columns = height // patch_px, width // patch_px
    values = frames.astype(np.float32)
    first = values[0].reshape(rows, patch_px, columns, patch_px, 3).transpose(0, 2, 1, 3, 4)
    change = (values[1:] - values[:1]).reshape(-1, FRAMES, rows, patch_px, columns, patch_px, 3)
    change = change.transpose(0, 2, 4, 1, 3, 5, 6)
    return first.reshape(rows, columns, -1), change.reshape(len(change), rows, columns, -1)


def _unpatched(change: NDArray[np.float32], patch_px: int) -> NDArray[np.float32]:
    """Patches of changes (T - 1, h, w, 4 p p 3) as frames (4 T - 4, H, W, 3)."""
    steps, rows, columns, _ = change.shape
    apart = change.reshape(steps, rows, columns, FRAMES, patch_px, patch_px, 3).transpose(0, 3, 1, 4, 2, 5, 6)
    return apart.reshape(steps * FRAMES, rows * patch_px, columns * patch_px, 3)
