import os
import pickle
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from kinebench.errors import KineBenchError  # noqa: E402
from kinebench.weights.checkpoint import archive, is_torchscript, state_dict  # noqa: E402

FORMS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


@pytest.fixture
def tensors():
    return {"a.weight": torch.arange(6.0).reshape(2, 3), "a.count": torch.tensor(7)}


def save(content, path, zipped):
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def same(found, wanted):
    return found.keys() == wanted.keys() and all(torch.equal(found[name], wanted[name]) for name in wanted)


@FORMS
def test_tensors_come_back(tensors, tmp_path, zipped):
    found = state_dict(save(tensors, tmp_path / "net.pt", zipped))
    assert same(found, tensors)
    assert all(tensor.device.type == "cpu" for tensor in found.values())


@FORMS
def test_tensors_among_what_a_trainer_left(tensors, tmp_path, zipped):
    """Numpy's numbers and arrays are in many old checkpoints, and harmless."""
    left = {"loss": np.float64(0.5), "step": np.int64(9), "curve": np.arange(3.0), "kind": np.dtype("int32")}
    path = save({"model_state_dict": tensors, "optimizer": {"state": {}, "lr": [1e-4]}, **left}, tmp_path / "x", zipped)
    assert same(state_dict(path, "model_state_dict"), tensors)
    with pytest.raises(KineBenchError, match="has no 'model'"):
        state_dict(path, "model")
    with pytest.raises(KineBenchError, match=r"does not hold tensors by name$"):
        state_dict(path)
    with pytest.raises(KineBenchError, match="does not hold tensors by name under 'optimizer'"):
        state_dict(path, "optimizer")


@FORMS
def test_numpy_2s_names_are_known_to_numpy_1(tensors, tmp_path, zipped):
    path = save({"model": tensors, "loss": np.float64(0.5)}, tmp_path / "net.pt", zipped)
    data = path.read_bytes()
    old, new = (b"cnumpy.%score.multiarray\n" % mark for mark in (b"", b"_"))
    assert (old in data) != (new in data)
    if not zipped:  # a zip has checksums and sizes
        path.write_bytes(data.replace(old, new) if old in data else data.replace(new, old))
    assert same(state_dict(path, "model"), tensors)


class Malice:
    """Unpickled by the ordinary reader, it makes a file."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@FORMS
def test_a_malicious_pickle_is_refused_and_not_run(tensors, tmp_path, zipped):
    content = {**tensors, "x": Malice(tmp_path / "proof")}
    path = save(content, tmp_path / "net.pt", zipped)
    with pytest.raises(KineBenchError, match=r"net.pt is refused: it names posix.mkdir, which loading would call"):
        state_dict(path)
    assert not (tmp_path / "proof").exists()
    torch.load(path, weights_only=False)
    assert (tmp_path / "proof").is_dir()  # so it would have been


def test_a_plain_pickle_is_refused_too(tmp_path):
    path = tmp_path / "net.pkl"
    path.write_bytes(pickle.dumps(Malice(tmp_path / "proof"), protocol=2))
    with pytest.raises(KineBenchError, match=r"net.pkl is refused"):
        state_dict(path)
    assert not (tmp_path / "proof").exists()


@pytest.mark.parametrize("content", [b"", b"hello, this is no checkpoint", b"PK\x03\x04 half a zip"])
def test_what_is_no_checkpoint_is_said_so(tmp_path, content):
    path = tmp_path / "net.pt"
    path.write_bytes(content)
    with pytest.raises(KineBenchError, match=r"net.pt is (no checkpoint, or it is damaged|refused)"):
        state_dict(path)


@FORMS
def test_a_truncated_checkpoint_is_said_so(tensors, tmp_path, zipped):
    path = save(tensors, tmp_path / "net.pt", zipped)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(KineBenchError, match=r"net.pt is (no checkpoint, or it is damaged|refused)"):
        state_dict(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(KineBenchError, match=r"cannot read .*net.pt: No such file"):
        state_dict(tmp_path / "net.pt")


class Toy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv3d(1, 2, 1)
        self.bn = torch.nn.BatchNorm3d(2, eps=5e-4)

    def forward(self, x):
        return self.bn(self.conv(x))


@pytest.fixture
def toy(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(Toy().eval()), str(tmp_path / "toy.pt"))
    return tmp_path / "toy.pt"


def test_torchscript_is_recognised_and_read_without_a_warning(toy, tmp_path, tensors):
    assert is_torchscript(toy)
    assert not is_torchscript(save(tensors, tmp_path / "net.pt", True))
    assert not is_torchscript(save(tensors, tmp_path / "old.pt", False))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = state_dict(toy)
    assert found.keys() == Toy().state_dict().keys()
    assert found["conv.weight"].shape == (2, 1, 1, 1, 1)
    assert archive(toy).bn.eps == 5e-4


def test_a_damaged_archive_is_said_so(toy):
    data = toy.read_bytes()
    toy.write_bytes(data.replace(b"__torch__", b"__tirch__"))
    with pytest.raises(KineBenchError, match=r"toy.pt is a TorchScript archive that does not load"):
        state_dict(toy)
