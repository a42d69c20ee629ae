"""What a consumer imports: open a dataset folder as numpy, or as torch."""

from kinebench.data.dataset import Dataset, open_dataset
from kinebench.data.example import Example

__all__ = ["Dataset", "Example", "open_dataset"]
