"""The small backbone's own autoencoder and word vectors: nothing to download, fitted or made here."""
