"""A study of three clips, and people who answer it."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from kinebench.board.study import key, order
from kinebench.board.study.answer import Given
from kinebench.board.study.design import QUESTIONS
from kinebench.board.study.making import new
from kinebench.scoring import truths
from kinebench.shards import video


def quiet(stage, done, whole):
    pass


@pytest.fixture(scope="session")
def clips(packed):
    """Frames of every test clip, by key."""
    shards = truths.open_truths(packed, "test")
    return {key: video.decode_rgb(shards.member(key, "rgb.mkv")) for key in shards.keys("test")}


@pytest.fixture(scope="session")
def predict(clips):
    """Write videos: `predict(folder, change)`; `change(frames)` gives what is predicted, None for nothing."""

    def write(folder, change):
        folder.mkdir(parents=True)
        for name, frames in clips.items():
            if (made := change(frames)) is not None:
                (folder / f"{name}.mkv").write_bytes(video.encode_lossless_rgb(made, 12))
        return folder

    return write


@pytest.fixture(scope="session")
def methods(tmp_path_factory, predict):
    """Two methods: one turns the clips around in time, one makes them brighter."""
    place = tmp_path_factory.mktemp("methods")
    return {
        "backwards": predict(place / "a", lambda frames: frames[::-1]),
        "bright": predict(place / "b", lambda frames: np.minimum(frames, 205) + 50),
    }


@pytest.fixture(scope="session")
def made(tmp_path_factory, packed, methods):
    """A finished study of two clips; nobody writes into it."""
    folder = tmp_path_factory.mktemp("made") / "study"
    new(packed, "test", methods, 2, 1, folder, quiet)
    return SimpleNamespace(folder=folder, key=key.read(folder), design=key.read(folder).design)


def seen(design, participant):
    """Trials as a participant sees them: name, film on the left, film on the right."""
    names = design.of_group(order.group(design.study, participant, design.groups))
    for name in order.ordered(design.study, participant, names):
        left, right = design.trials[name].films
        yield (name, right, left) if order.swapped(design.study, participant, name) else (name, left, right)


@pytest.fixture(scope="session")
def answering():
    """`answering(design, "p1", choose)`: all answers; `choose(films, question)` is which of (left, right), or None.

    Catch trials are answered rightly, but for `wrong` of them.
    """

    def answers(design, participant, choose, wrong=0):
        found = []
        for trial, *films in seen(design, participant):
            right = design.trials[trial].right
            for question in QUESTIONS:
                if right:
                    film = next(each for each in films if (each == right) == (wrong <= 0))
                else:
                    film = choose(films, question)
                answer = "same" if film is None else ("left", "right")[films.index(film)]
                found.append(Given(participant, trial, question, answer))
            wrong -= right is not None
        return found

    return answers


@pytest.fixture(scope="session")
def exported():
    """What the page sends and exports: `exported(design, "p1", answers, **changes)`."""

    def plain(design, participant, answers, /, **changes):
        rows = [{"trial": each.trial, "question": each.question, "answer": each.answer} for each in answers]
        said = {"kind": "kinebench study answers", "schema_version": 1, "study": design.study}
        return json.dumps(said | {"participant": participant, "answers": rows} | changes).encode()

    return plain
