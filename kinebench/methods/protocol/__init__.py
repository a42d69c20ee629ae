"""Methods that run in an environment of their own: a folder with the job goes out, a folder with videos comes back."""

from kinebench.methods.protocol.videos import maker

__all__ = ["maker"]
