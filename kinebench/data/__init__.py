"""What a consumer imports: open a dataset, here or on a web server, as numpy or as torch."""

from kinebench.data.dataset import Dataset, open_dataset
from kinebench.data.example import Example
from kinebench.data.stream import Stream

__all__ = ["Dataset", "Example", "Stream", "open_dataset"]
