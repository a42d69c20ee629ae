"""Random SAM2 weights: names and shapes as published, values from a seed."""

from functools import partial
from unittest import mock

import numpy as np
import pytest
import sam2  # noqa: F401  (tells hydra where its configurations are)
import torch
from hydra import compose
from hydra.utils import instantiate
from omegaconf import OmegaConf

from kinebench.metrics.sam2.size import SIZES


@pytest.fixture(scope="session")
def published():
    """`published(size)`: the state dict of the `sam2` package's model, without memory for its tensors."""

    def shapes(size):
        config = compose(config_name=f"configs/sam2.1/{SIZES[size].config}.yaml")
        OmegaConf.resolve(config)
        on_cpu = partial(torch.linspace, device="cpu")  # the constructor reads values of one
        with torch.device("meta"), mock.patch("torch.linspace", on_cpu):
            return instantiate(config.model, _recursive_=True).state_dict()

    return shapes


@pytest.fixture(scope="session")
def weights(published):
    """Weights of the size tiny, large enough that every part of the network changes the logits."""
    state, generator = {}, np.random.default_rng(0)
    for name, tensor in sorted(published("tiny").items()):
        fan_in = max(1, int(np.prod(tensor.shape[1:])))
        values = generator.normal(size=tensor.shape) * (fan_in**-0.5 if tensor.ndim > 1 else 0.3)
        one = tensor.ndim == 1 and name.endswith("weight")  # norms
        state[name] = torch.from_numpy(values + one).to(torch.float32)
    state["sam_mask_decoder.pred_obj_score_head.layers.2.bias"] += 9  # objects are there
    return state


@pytest.fixture(scope="session")
def checkpoint(weights, tmp_path_factory):
    """The same as a file like the published ones."""
    path = tmp_path_factory.mktemp("sam2") / "sam2.1_hiera_tiny.pt"
    torch.save({"model": weights}, path)
    return path
