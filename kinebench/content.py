"""Where the content folders are: in a checkout beside the package, in a wheel inside it."""

from pathlib import Path

FOLDERS = ("generators", "textures", "baselines", "leaderboard")


def content(folder: str) -> Path:
    """The folder of built-in content named `folder`, one of `FOLDERS`."""
    if folder not in FOLDERS:
        raise ValueError(f"{folder!r} is not a content folder; there are {', '.join(FOLDERS)}")
    package = Path(__file__).parent
    installed = package / "_content" / folder
    return installed if installed.is_dir() else package.parent / folder
