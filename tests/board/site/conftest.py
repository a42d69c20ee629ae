"""A board of toys, films whose pixels say which frame they are, and the site of both."""

from dataclasses import replace

import numpy as np
import pytest

from kinebench.board import film, site
from kinebench.board.standing import Board, Column, Number, Pair, Row, Standing

FRAMES, CLIPS = 13, 6
FIRST, STEP = 20, 15  # grey of frame 0, and what each frame adds
HOSTILE = '</script><img src=x onerror="hacked=1">\'"&\u202eabc'
COLUMNS = (
    Column("mse", "mean squared error of 0-255 RGB", "", "lower", 1, "clip", True),
    Column("iou_flow", "overlap of moving objects", "", "higher", 1, "clip", True),
    Column("fvd", "Fréchet distance of I3D features", "", "lower", 1, "set", True),
    Column("psnr", "peak signal-to-noise ratio", "dB", "higher", 1, "clip", False),
)


def quiet(stage, done, whole):
    pass


def statement(name, kind="method", **method):
    return {
        "kind": "kinebench submission",
        "method": {"name": name, "version": "1.0.0", "kind": kind, "authors": ["Ada Example"], **method},
        "model": {"backbone": f"backbone of {name}", "parameters": 5_570_000_000},
        "inference": {"prompt": "c_infer", "seeds": [0, 1], "best_of": {"n": 1, "selector": None}},
        "environment": {"python": "3.11.7", "packages": {f"package{i}": "1.0" for i in range(20)}},
        "__proto__": {"constructor": "of its own"},
    }


def hostile():
    """What a stranger may try."""
    told = {
        "title": HOSTILE,
        "description": HOSTILE,
        "paper": "javascript:hacked=1",
        "code": "https://example.org/\"onclick='hacked=1'",
        "<img src=x onerror=hacked=1>": HOSTILE,
    }
    said = statement("hostile", **told)
    said["model"]["backbone"] = "=HYPERLINK(hacked)"
    return said


def row(place, name, rng, track="open", said=None, **changes):
    """A row of two seeds; those of a higher place are worse in all but fvd."""
    middle = {"mse": 100 + 40 * place, "iou_flow": 0.8 - 0.1 * place, "psnr": 30 - place}
    samples = {key: tuple((value * rng.uniform(0.8, 1.2, CLIPS)).tolist()) for key, value in middle.items()}
    ranks = (place + 1, place + 2)
    numbers = {
        key: Number(float(np.mean(values)), 0.9 * min(values), 1.1 * max(values), CLIPS, ranks, place + 1)
        for key, values in samples.items()
    }
    numbers["fvd"] = Number(500.25 - place, 400.0, 600.0, CLIPS, (1, 4), 1)
    films = {seed: tuple(_hash(f"{name}{seed}{clip}") for clip in range(CLIPS)) for seed in (0, 1)}
    made = Row(name, "1.0.0", track, name.capitalize(), (0, 1), numbers, said or statement(name), samples, films)
    return replace(made, **changes)


def _hash(text):
    return text.encode().hex().ljust(64, "0")


@pytest.fixture(scope="session")
def board():
    """Two measured tables, of which the second holds two rows of the first, and one of a paper."""
    rng = np.random.default_rng(8)
    rows = [
        row(2, "gamma", rng),
        row(0, "alpha", rng),
        row(3, "few", rng, shown=(0, 4, 8, 12)),
        row(1, "beta", rng, "privileged"),
        row(4, "still", rng, said=statement("still", "anchor")),
        row(5, "gone", rng, withdrawn="its videos were picked by hand"),
        row(6, "hostile", rng, title=HOSTILE, said=hostile()),
    ]
    lost = {**rows[2].numbers, "fvd": Number(None, None, None, 0, reason="FVD needs 9 frames, and these are 4")}
    rows[2] = replace(rows[2], numbers=lost)
    rows[0] = replace(rows[0], films={0: (None, *rows[0].films[0][1:]), 1: rows[0].films[1]})
    pairs = (Pair("mse", 0, 1, 80.5, 60.25, 99.5, 0.0004), Pair("mse", 1, 2, -120.0, -150.0, 10.0, 0.2))
    keys = tuple(f"toys_test_{place:06d}" for place in range(CLIPS))
    truths = tuple(_hash(f"truth{place}") for place in range(CLIPS))
    measured = Standing("toys", "1.0.0", "test", 1, COLUMNS, tuple(rows), keys, truths, 8.0, FRAMES, pairs)
    other = replace(measured, version="2.0.0", rows=(rows[1], rows[4]), pairs=())
    return Board((measured, other, paper()))


def paper():
    numbers = {"mse": Number(158.3, None, None, 0), "fvd": Number(1504.6, None, None, 0)}
    said = {"source": "A paper", "table": "Table 1"}
    theirs = Row("theirs", "", "reported", "A row of theirs", (), numbers, said, {}, {})
    return Standing(
        "Toys", "", "test", None, (COLUMNS[0], COLUMNS[2]), (theirs,), (), (), 0.0, 49, title="Table 1: training"
    )


@pytest.fixture(scope="session")
def films(tmp_path_factory, board):
    """Films of the first two clips, none of `beta`: the left says the frame in grey, the right whose it is."""
    folder = tmp_path_factory.mktemp("films")
    standing = board.standings[0]

    def put(name, shown, tint):
        frames = np.empty((len(shown), 24, 36, 3), np.uint8)
        frames[:] = np.array([FIRST + STEP * frame for frame in shown], np.uint8)[:, None, None, None]
        frames[:, :, 24:] = tint
        film.put(folder, name, frames)

    for clip in range(2):
        put(standing.truths[clip], range(FRAMES), (0, 160, 0))
        put(f"{standing.truths[clip]}-condition", [0], (0, 160, 160))
        for place, one in enumerate(standing.rows):
            if one.method != "beta" and one.films[0][clip]:
                put(one.films[0][clip], one.shown or range(FRAMES), (40 * place, 0, 160))
    return folder


@pytest.fixture(scope="session")
def built(tmp_path_factory, board, films):
    """What the build says; the site lies in a folder whose name needs quoting."""
    return site.build(board, films, tmp_path_factory.mktemp("built") / "a site, 100 %", quiet)


@pytest.fixture(scope="session")
def large():
    """200 rows, 100 clips, 12 columns, and all pairs of one."""
    rng = np.random.default_rng(0)
    columns = tuple(replace(COLUMNS[place % 2], name=f"metric_{place}", headline=place < 8) for place in range(12))
    rows = []
    for place in range(200):
        values = rng.lognormal(place / 100, 0.5, (12, 100)).tolist()
        numbers = {
            column.name: Number(float(np.mean(each)), 0.9, 3.0, 100, (1, 9), place // 7 + 1)
            for column, each in zip(columns, values, strict=True)
        }
        samples = {column.name: tuple(each) for column, each in zip(columns, values, strict=True)}
        films = {0: tuple(f"{place:032x}{clip:032x}" for clip in range(100))}
        name = f"method-{place}"
        rows.append(Row(name, "1.0.0", "open", name, (0,), numbers, statement(name), samples, films))
    keys = tuple(f"toys_test_{clip:06d}" for clip in range(100))
    pairs = tuple(Pair("metric_0", i, j, 1.5, 1.0, 2.0, 0.01) for i in range(200) for j in range(i + 1, 200))
    return Board((Standing("toys", "1.0.0", "test", 1, columns, tuple(rows), keys, keys, 8.0, 49, pairs),))
