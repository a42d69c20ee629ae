"""Sample <-> WebDataset tars, with index, manifest, checksums and card."""
