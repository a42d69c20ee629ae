import warnings

import pytest

torch = pytest.importorskip("torch")

from kinebench.errors import KineBenchError  # noqa: E402
from kinebench.metrics.i3d import weights as i3d_weights  # noqa: E402
from kinebench.metrics.i3d.folded import FoldedI3d  # noqa: E402
from kinebench.metrics.i3d.network import InceptionI3d, same  # noqa: E402
from kinebench.metrics.i3d.weights import load_i3d, published  # noqa: E402
from kinebench.weights.checkpoint import state_dict  # noqa: E402


@pytest.fixture(scope="module")
def known(golden):
    return golden("i3d")


@pytest.fixture(scope="module")
def state(known, recipes):
    facts, _ = known
    filled = recipes.fill_state(facts["state_dict_shapes"], facts["seed"])
    return {name: torch.from_numpy(array) for name, array in filled.items()}


def network(state, eps=1e-5):
    net = InceptionI3d(eps=eps).eval()
    net.load_state_dict(state)
    return net


@pytest.fixture(scope="module")
def clip(known, recipes):
    """`clip(frames)`: the golden video of that length, as I3D takes it."""
    facts, _ = known

    def make(frames):
        case = facts[f"T{frames}"]
        video = recipes.block_video(case["video_seed"], frames, 224, 224)
        assert recipes.sha(video) == case["video_sha"]
        return torch.from_numpy(video).permute(3, 0, 1, 2)[None].float() / 127.5 - 1

    return make


def off(found, wanted):
    """Largest difference, in standard deviations of the wanted logits."""
    assert found.shape == wanted.shape
    return abs(found.numpy() - wanted).max() / wanted.std()


def test_its_keys_and_shapes_are_the_published_ones(known):
    shapes = {name: list(tensor.shape) for name, tensor in InceptionI3d().state_dict().items()}
    assert shapes == known[0]["state_dict_shapes"]


@pytest.mark.parametrize("frames", [9, *(pytest.param(frames, marks=pytest.mark.slow) for frames in (16, 49))])
def test_logits_are_those_of_the_public_networks(frames, state, clip, known):
    _, arrays = known
    video = clip(frames)
    with torch.inference_mode():
        for net in (network(state), FoldedI3d(network(state))):
            logits = net(video)[0]
            assert off(logits, arrays[f"videogpt_T{frames}"]) < 1e-5
            if f"cdfvd_T{frames}" in arrays:
                assert off(logits, arrays[f"cdfvd_T{frames}"]) < 1e-5
        steps = network(state, eps=1e-3).steps(video)[0]
    assert off(steps, arrays[f"piergiaj_T{frames}"]) < 1e-5


def test_what_the_logits_are_made_of(state, clip, known):
    with torch.inference_mode():
        pooled = network(state).pooled(clip(16))[0].mean((1, 2, 3))
    assert off(pooled, known[1]["videogpt_T16_pool1024"]) < 1e-5


def test_epsilon_belongs_to_the_weights(state, clip, known):
    """1e-3 on weights that are used with 1e-5 misses the tolerance of 1e-3 by far: it is no detail."""
    with torch.inference_mode():
        assert off(network(state, eps=1e-3)(clip(9))[0], known[1]["videogpt_T9"]) > 0.01


def test_too_few_frames_and_other_sizes_are_refused(state):
    net = network(state)
    for one in (net, FoldedI3d(net)):
        with pytest.raises(KineBenchError, match="needs clips of at least 9 frames, not 8"):
            one(torch.zeros(1, 3, 8, 224, 224))
        with pytest.raises(KineBenchError, match=r"I3D takes \(B, 3, F, 224, 224\), not \(1, 3, 9, 112, 224\)"):
            one(torch.zeros(1, 3, 9, 112, 224))


@pytest.mark.parametrize(
    ("sizes", "kernel", "stride", "wanted"),
    [
        ((9, 224, 224), (7, 7, 7), (2, 2, 2), [2, 3, 2, 3, 3, 3]),
        ((8, 224, 224), (7, 7, 7), (2, 2, 2), [2, 3, 2, 3, 2, 3]),
        ((5, 28, 28), (3, 3, 3), (2, 2, 2), [0, 1, 0, 1, 1, 1]),
        ((3, 14, 14), (2, 2, 2), (2, 2, 2), [0, 0, 0, 0, 0, 1]),
        ((3, 7, 7), (1, 1, 1), (1, 1, 1), [0, 0, 0, 0, 0, 0]),
    ],
)
def test_padding_is_tensorflows(sizes, kernel, stride, wanted):
    assert same(sizes, kernel, stride) == wanted


# ------------------------------------------------------------------ files of weights


HASSONY2 = {"b0": "branch_0", "b1a": "branch_1.0", "b1b": "branch_1.1", "b2a": "branch_2.0", "b2b": "branch_2.1"}
HASSONY2["b3b"] = "branch_3.1"


def hassony2(name):
    """Mixed_3b.b1a.bn.bias -> mixed_3b.branch_1.0.batch3d.bias, as in the archive's source."""
    layer, *rest = name.split(".")
    layer = "conv3d_0c_1x1" if layer == "logits" else layer[0].lower() + layer[1:]
    return ".".join([layer, *(HASSONY2.get(part, {"bn": "batch3d"}.get(part, part)) for part in rest)])


class Conv(torch.nn.Module):
    """A unit with made-up names and its own epsilon."""

    def __init__(self, weight, bias, norm, names, eps):
        super().__init__()
        kernel, norms = names
        conv = torch.nn.Conv3d(weight.shape[1], weight.shape[0], weight.shape[2:], bias=bias is not None)
        conv.weight.data = weight
        setattr(self, kernel, conv)
        if bias is not None:
            conv.bias.data = bias
        if norm:
            bn = torch.nn.BatchNorm3d(weight.shape[0], eps=eps)
            bn.load_state_dict(norm)
            setattr(self, norms, bn)

    def forward(self, x):
        return x


def units(state):
    """(name, weight, bias, batch norm) of every convolution, in the published order."""
    for name in state:
        if name.endswith(".conv3d.weight"):
            unit = name.removesuffix(".conv3d.weight")
            norm = {k.removeprefix(f"{unit}.bn."): v for k, v in state.items() if k.startswith(f"{unit}.bn.")}
            yield unit, state[name], state.get(f"{unit}.conv3d.bias"), norm


def published_order(name):
    order = ["Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3"]
    layer = name.split(".")[0]
    return (order.index(layer) if layer in order else 3 if layer.startswith("Mixed") else 4, name)


def scripted(state, rename, names, path, eps):
    """A TorchScript archive with the same tensors, under other names: submodules of submodules."""
    root = torch.nn.Module()
    for unit, weight, bias, norm in sorted(units(state), key=lambda row: published_order(row[0])):
        *parents, last = rename(unit).split(".")
        place = root
        for parent in parents:
            if not hasattr(place, parent):
                place.add_module(parent, torch.nn.Module())
            place = getattr(place, parent)
        place.add_module(last, Conv(weight, bias, norm, names, eps))
    script(root, path)
    return path


def script(module, path):
    """Without a forward, only its tensors and constants are written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(module.eval()), str(path))


def same_tensors(net, state):
    found = net.state_dict()
    return found.keys() == state.keys() and all(torch.equal(found[name], state[name]) for name in state)


def test_a_state_dict(state, tmp_path):
    torch.save(state, tmp_path / "net.pt")
    net = load_i3d(tmp_path / "net.pt")
    assert same_tensors(net, state)
    assert net.Mixed_3b.b0.bn.eps == 1e-5
    torch.save({f"module.{name}": tensor for name, tensor in state.items()}, tmp_path / "parallel.pt")
    assert same_tensors(load_i3d(tmp_path / "parallel.pt"), state)


def test_an_archive_with_the_names_of_its_source(state, tmp_path):
    path = scripted(state, hassony2, ("conv3d", "batch3d"), tmp_path / "net.pt", eps=1e-3)
    assert "mixed_5c.branch_3.1.batch3d.running_var" in state_dict(path)
    net = load_i3d(path)
    assert same_tensors(net, state)
    assert net.Conv3d_1a_7x7.bn.eps == net.Mixed_5c.b3b.bn.eps == 1e-3


def test_an_archive_with_names_of_nobody(state, tmp_path):
    path = scripted(state, lambda unit: f"net.at_{unit}".replace("Mixed", "block"), ("w", "n"), tmp_path / "x.pt", 2e-4)
    assert not any("Mixed" in name or "bn" in name for name in state_dict(path))
    net = load_i3d(path)
    assert same_tensors(net, state)
    assert net.Mixed_3b.b0.bn.eps == 2e-4


def test_batch_norms_without_a_scale(state):
    """TensorFlow's have none."""
    bare = {n: t for n, t in state.items() if not n.endswith(("bn.weight", "num_batches_tracked"))}
    found = published({hassony2(name): tensor for name, tensor in bare.items()}, state, "here")
    assert found.keys() == state.keys()
    assert torch.equal(found["Mixed_4b.b0.bn.weight"], torch.ones(192))
    assert torch.equal(found["Mixed_4b.b2b.conv3d.weight"], state["Mixed_4b.b2b.conv3d.weight"])


def reordered(state, order):
    """Made-up names, branches of every block in this order."""
    rank = {branch: place for place, branch in enumerate(order)}
    rows = sorted(units(state), key=lambda r: (*published_order(r[0].split(".")[0]), rank.get(r[0].split(".")[-1], 0)))
    found = {}
    for number, (_, weight, bias, norm) in enumerate(rows):
        found[f"{number}.a.weight"] = weight
        found |= {f"{number}.b.{name}": tensor for name, tensor in norm.items()}
        if bias is not None:
            found[f"{number}.a.bias"] = bias
    return found


def test_another_order_of_branches_is_found_and_an_impossible_one_refused(state):
    found = published(reordered(state, ("b3b", "b2b", "b2a", "b1b", "b1a", "b0")), state, "here")
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())
    mixed = reordered(state, ("b0", "b1a", "b1b", "b2a", "b2b", "b3b"))
    mixed["3.a.weight"], mixed["4.a.weight"] = mixed["4.a.weight"], mixed["3.a.weight"]  # the first block alone
    with pytest.raises(KineBenchError, match=r"there.pt is not I3D for Kinetics-400: names, numbers or shapes"):
        published(mixed, state, "there.pt")


def test_tensors_that_fit_in_several_ways_are_refused():
    """Two branches of one shape everywhere cannot be told apart."""
    wanted = {}
    for layer in (*i3d_weights.STEM, *(f"{m}.{b}" for m in i3d_weights.MIXED for b in i3d_weights._BRANCHES)):
        wanted[f"{layer}.conv3d.weight"] = torch.zeros(2, 2, 1, 1, 1)
        wanted[f"{layer}.bn.bias"] = torch.zeros(2)
    wanted |= {"logits.conv3d.weight": torch.zeros(4, 2, 1, 1, 1), "logits.conv3d.bias": torch.zeros(4)}
    odd = {f"x{number}.{name}": tensor for number, (name, tensor) in enumerate(wanted.items())}
    with pytest.raises(KineBenchError, match="they fit I3D in 720 ways"):
        published(odd, wanted, "here")


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save({"a.weight": torch.zeros(3, 3), "a.bias": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(KineBenchError, match=r"other.pt is not I3D for Kinetics-400"):
        load_i3d(tmp_path / "other.pt")
