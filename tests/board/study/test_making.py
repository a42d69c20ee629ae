"""`kinebench board study new`: what is written, what it gives away, and what is refused."""

import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from kinebench.board.film import COLUMNS
from kinebench.board.study import key, publication
from kinebench.board.study.making import new
from kinebench.errors import KineBenchError
from kinebench.methods import delivery
from kinebench.methods.delivery import Delivery, Native, Signature
from kinebench.methods.export import export
from kinebench.methods.placement import SAME
from kinebench.methods.source import open_source


def quiet(stage, done, whole):
    pass


def frames_of(folder, name, count=9, size=(96, 64)):
    sheet = np.asarray(Image.open(publication.place(folder, name)).convert("RGB")).astype(int)
    width, height = size
    places = [(number % COLUMNS * width, number // COLUMNS * height) for number in range(count)]
    return np.stack([sheet[y : y + height, x : x + width] for x, y in places])


def test_films_show_what_the_key_says(made, clips):
    for name, film in made.design.films.items():
        shown, truth = frames_of(made.folder, name), clips[film.clip].astype(int)
        if film.of == "backwards":
            expected = truth[::-1]
        elif film.of == "bright":
            expected = np.minimum(truth, 205) + 50
        else:
            expected = truth if film.shows == "moving" else np.repeat(truth[:1], 9, axis=0)
        assert np.abs(shown - expected).mean() < 6, film
        others = [np.roll(expected, 3, axis=0), expected[::-1]] if film.shows != "static" else []
        assert all(np.abs(shown - expected).mean() < np.abs(shown - other).mean() for other in others)


def test_nothing_public_tells_a_method_a_clip_or_a_catch_trial(made, clips, methods):
    public = made.folder / "public"
    words = [*methods, *clips, "moving", "static", "truth", made.key.secret, made.key.secret[:8]]
    for path in public.rglob("*"):
        if path.suffix in (".js", ".html", ".css"):
            text = path.read_text()
            told = [word for word in words if word in text and (path.name, word) not in {("study.css", "static")}]
            assert not told, (path, told)
        assert not any(word in path.name for word in words)
    told = json.loads((public / "design.js").read_text().partition("=")[2].strip().rstrip(";"))
    assert {frozenset(trial) for group in told["groups"] for trial in group} == {
        frozenset(("name", "films", "condition"))
    }
    names = {path.stem for path in (public / "films").iterdir()}
    assert names == made.design.films.keys() | set(made.design.conditions.values())


def test_films_of_a_clip_are_equally_large(made):
    sizes = {}
    for name, film in made.design.films.items():
        sizes.setdefault(film.clip, set()).add(publication.place(made.folder, name).stat().st_size)
    assert all(len(each) == 1 for each in sizes.values())


def test_padding_changes_no_pixel():
    buffer = io.BytesIO()
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(buffer, "WEBP", quality=80)
    data = publication.padded(buffer.getvalue(), 1000)
    assert len(data) == 1000 and int.from_bytes(data[4:8], "little") == 992
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), np.asarray(Image.open(buffer)))


def test_an_interrupted_study_goes_on_as_it_was(tmp_path, made, packed, methods):
    folder = shutil.copytree(made.folder, tmp_path / "study")
    before = {path.name: path.read_bytes() for path in (folder / "public" / "films").iterdir()}
    (folder / "public" / "index.html").unlink()
    gone = publication.place(folder, next(iter(made.design.films)))
    gone.unlink()
    new(packed, "test", methods, 2, 1, folder, quiet)
    assert {path.name: path.read_bytes() for path in (folder / "public" / "films").iterdir()} == before
    assert key.read(folder) == made.key and (folder / "public" / "index.html").is_file()


@pytest.mark.parametrize("change", ["samples", "videos", "something else"])
def test_another_study_is_not_mixed_with_it(tmp_path, made, packed, methods, change):
    folder, samples = tmp_path / "study", 2
    if change == "something else":
        folder.mkdir()
        (folder / "letter.txt").write_text("dear")
    else:
        shutil.copytree(made.folder, folder)
    if change == "samples":
        samples = 1
    if change == "videos":
        methods = methods | {"bright": methods["backwards"]}
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    with pytest.raises(KineBenchError, match="name another folder with --out"):
        new(packed, "test", methods, samples, 1, folder, quiet)
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*")) == before


def test_missing_videos_are_all_listed_and_nothing_is_written(tmp_path, packed, methods, predict):
    short = predict(tmp_path / "short", lambda frames: frames)
    for path in sorted(short.iterdir())[1:]:
        path.unlink()
    with pytest.raises(KineBenchError, match="2 videos that the study would show") as error:
        new(packed, "test", methods | {"short": short}, 3, 1, tmp_path / "study", quiet)
    assert str(error.value).count("short: toys_test_") == 2 and "add toys_test_" in str(error.value)
    assert not (tmp_path / "study").exists()


def test_a_video_that_cannot_be_used_is_named(tmp_path, packed, methods, predict):
    cut = predict(tmp_path / "cut", lambda frames: frames[:5])
    with pytest.raises(KineBenchError, match=r"cut: toys_test_00000\d, seed 0, has 5 frames, not 9"):
        new(packed, "test", methods | {"cut": cut}, 3, 1, tmp_path / "study", quiet)
    assert not (tmp_path / "study" / "public" / "index.html").exists()


def test_all_methods_show_the_frames_of_the_one_that_has_the_fewest(tmp_path, packed, methods, predict, clips):
    few = predict(tmp_path / "few", lambda frames: frames[::2])
    for name in clips:
        (few / f"{name}.json").write_bytes(sidecar(name))
    found = new(packed, "test", methods | {"few": few}, 1, 1, tmp_path / "study", quiet)
    told = key.read(tmp_path / "study")
    assert told.frames == (0, 2, 4, 6, 8) and told.fps == 6
    for name, film in found.design.films.items():
        if film.of in ("few", "backwards"):
            truth = clips[film.clip].astype(int)[::2]
            shown = frames_of(tmp_path / "study", name, 5)
            assert np.abs(shown - (truth if film.of == "few" else truth[::-1])).mean() < 6


def sidecar(name):
    """Of a video of every other frame."""
    told = (Signature("few", "1.0.0", "0" * 64), (0, 2, 4, 6, 8), "span", Native(96, 64, 5), SAME)
    return delivery.dump(Delivery(name, 0, "0" * 64, *told, None, 0, (), 1.0))


def test_conditions_without_a_truth_are_enough(tmp_path, packed, methods):
    """As of photos: catch trials then show the object moved along its arrow."""
    export(open_source(packed, "test", "c0"), tmp_path / "conditions", quiet)
    found = new(tmp_path / "conditions", "test", methods, 2, 1, tmp_path / "study", quiet)
    for name in found.design.catches:
        trial = found.design.trials[name]
        moving, still = (trial.right, next(film for film in trial.films if film != trial.right))
        shown = [frames_of(tmp_path / "study", film) for film in (moving, still)]
        change = [np.abs(each[-1] - each[0]).max(axis=-1) > 40 for each in shown]  # more than the film's coding makes
        assert change[0].sum() > 40 and not change[1].any()
