"""What tasks run on, and with which versions: written down with each of them."""

import importlib.metadata
import os
import platform
from functools import cache
from pathlib import Path

from kinebench import __version__
from kinebench.ablations import slots
from kinebench.runners.cores import available

_NETWORKS = ("torch", "diffusers", "transformers", "accelerate")
PACKAGES = ("numpy", "scipy", *_NETWORKS, "bpy", "pybullet", "av", "opencv-python-headless")
"""What decides numbers, if it is installed."""


@cache
def versions() -> dict[str, str]:
    """Versions of KineBench, Python and what decides numbers."""
    found = {"kinebench": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@cache
def machine() -> dict[str, str]:
    """Processor, cores, memory and GPUs, and nothing that names this very machine."""
    pages, page_bytes = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    found = {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(available()),
        "memory": f"{pages * page_bytes / 1e9:.0f} GB",
    }
    gpus = slots.gpu_names()
    return found | ({"gpu": ", ".join(f"{gpus.count(name)} x {name}" for name in dict.fromkeys(gpus))} if gpus else {})


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "not told"
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or "not told")
