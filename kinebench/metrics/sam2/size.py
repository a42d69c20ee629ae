"""The four published sizes of SAM 2.1, which differ in the image encoder alone."""

from dataclasses import dataclass
from typing import Literal

Name = Literal["tiny", "small", "base-plus", "large"]


@dataclass(frozen=True)
class Size:
    """The Hiera encoder of one size; the widths of its four stages double from `width` on, and so do the heads."""

    config: str  # in the `sam2` package
    width: int
    heads: int
    blocks: tuple[int, int, int, int]  # in each stage
    global_blocks: tuple[int, int, int]  # those that attend over the whole picture
    windows: tuple[int, int, int, int] = (8, 4, 14, 7)  # side of the window of the others, in tokens
    position_side: int = 7  # of the grid of position embeddings

    @property
    def widths(self) -> list[int]:
        """Channels of the four stages."""
        return [self.width * 2**stage for stage in range(4)]

    @property
    def heads_per_stage(self) -> list[int]:
        """Attention heads of the four stages."""
        return [self.heads * 2**stage for stage in range(4)]


SIZES: dict[Name, Size] = {
    "tiny": Size("sam2.1_hiera_t", 96, 1, (1, 2, 7, 2), (5, 7, 9)),
    "small": Size("sam2.1_hiera_s", 96, 1, (1, 2, 11, 2), (7, 10, 13)),
    "base-plus": Size("sam2.1_hiera_b+", 112, 2, (2, 3, 16, 3), (12, 16, 20), position_side=14),
    "large": Size("sam2.1_hiera_l", 144, 2, (2, 6, 36, 4), (23, 33, 43), windows=(8, 4, 16, 8)),
}
