"""A season from its salt to its reveal, really rendered; those who attack it; and those who would change it later."""

import hashlib
import hmac
import json
import re
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from kinebench import recipe as recipes
from kinebench.board import results
from kinebench.board.season import check as checking
from kinebench.board.season import commitment, guard, release, salt, statement
from kinebench.cli.main import app
from kinebench.errors import KineBenchError
from kinebench.methods import condition_folder, listing
from kinebench.methods.source import open_source
from kinebench.recipe import parse
from kinebench.runners.ledger import Watch
from kinebench.scene import sampler
from kinebench.shards.columns import features
from kinebench.shards.pack import pack
from kinebench.shards.read import Shards
from kinebench.shards.spool import Spool
from kinebench.shards.stock import Stock

RECIPES = Path(__file__).parents[1] / "recipes"
LEAST = str(RECIPES / "least_simple.toml")
NAME, CLIPS = "2026-autumn", 3
SALT = hashlib.sha256(b"the salt of these tests").digest()
slow = pytest.mark.slow


class Unwatched(Watch):
    """Nobody looks."""


def kinebench(*args, code=0):
    done = CliRunner().invoke(app, [*map(str, args)])
    if isinstance(done.exception, KineBenchError):
        assert code == done.exception.exit_code, done.exception
        return str(done.exception)
    assert done.exit_code == code, done.output + repr(done.exception)
    return done.output


def new(folder, name=NAME, count=CLIPS, recipe=LEAST, code=0):
    return kinebench(
        "board", "season", "new", recipe, "--name", name, "--count", count, "--out", folder, "--workers", 1, code=code
    )


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    """A released season. Its salt is known, so that these tests do the same wherever they run."""
    folder = tmp_path_factory.mktemp("season") / "season"
    begun = release.begin(recipes.load(LEAST), NAME, CLIPS, folder)
    assert len(begun.salt) == 32 and begun.salt != SALT
    (folder / "secret" / "salt").write_bytes(salt.text(SALT))
    new(folder)
    return folder


@pytest.fixture(scope="module")
def revealed(season, tmp_path_factory):
    out = tmp_path_factory.mktemp("revealed") / "revealed"
    kinebench("board", "season", "reveal", season, "--out", out)
    return out


@pytest.fixture
def public(season, tmp_path):
    """A copy of what was released, to be spoilt."""
    return Path(shutil.copytree(season / "public", tmp_path / "public"))


@pytest.fixture
def shown(revealed, tmp_path):
    """A copy of what was revealed, to be spoilt."""
    return Path(shutil.copytree(revealed, tmp_path / "shown"))


def texts(public):
    """Every released file that is not a picture."""
    return {path: path.read_text() for path in sorted(public.rglob("*")) if path.is_file() and path.suffix != ".png"}


def hmac_hex(key, *said):
    return hmac.new(key, json.dumps(said).encode(), hashlib.sha256).hexdigest()


def independent_keys():
    """The ids as docs/season.md says that they follow from the salt, without KineBench."""
    recipe_sha256 = release.season_recipe(recipes.load(LEAST), NAME).sha256
    seed = int(hmac_hex(SALT, "kinebench season seed", NAME, recipe_sha256), 16)
    return [f"least-{NAME}_test_{hmac_hex(str(seed).encode(), 'key', 'test', i)[:16]}" for i in range(CLIPS)]


@slow
def test_conditions_are_released_under_ids_that_say_nothing(season):
    public, keys = season / "public", independent_keys()
    assert sorted(path.name for path in public.iterdir()) == [
        "LICENSE", "README.md", "SHA256SUMS", "conditions", "season.json"
    ]  # fmt: skip
    assert list(listing.read(public / "conditions").sha256) == sorted(keys) != keys
    said = statement.read(public)
    assert (said["name"], said["clips"], said["dataset"]["name"]) == (NAME, CLIPS, f"least-{NAME}")
    truth = Shards(season / "secret" / "dataset")
    assert truth.keys("test") == tuple(sorted(keys))  # cards and results keep the order of the dataset
    assert [truth.record(key)["index"] for key in keys] == [0, 1, 2]
    assert truth.manifest.seed > 2**200
    modes = [stat.S_IMODE((season / "secret" / name).stat().st_mode) for name in (".", "salt")]
    assert modes == [0o700, 0o600]
    assert len({path.stat().st_mtime for path in public.rglob("*")}) == 1


@slow
def test_another_run_changes_nothing_and_another_season_is_refused(season):
    def state():
        return {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes()) for path in season.rglob("*")}

    before = state()
    assert statement.read(season / "public")["commitment"] in new(season)
    assert state() == before
    assert "clips 3 (now 4)" in new(season, count=4, code=1)
    assert "season 2026-autumn (now 2027-spring)" in new(season, name="2027-spring", code=1)


@slow
def test_a_release_that_was_cut_off_goes_on_to_the_same_commitment(season, tmp_path):
    copy = Path(shutil.copytree(season, tmp_path / "season"))
    wanted = statement.read(copy / "public")["commitment"]
    (copy / "public" / "season.json").unlink()
    (copy / "public" / "conditions" / "conditions.json").rename(copy / "public" / "conditions" / ".conditions.json")
    shutil.rmtree(copy / "public" / "conditions" / independent_keys()[0])
    assert wanted in new(copy)
    assert commitment.released(copy / "public") == commitment.released(season / "public")


@slow
def test_a_salt_that_is_gone_is_not_drawn_anew(season, tmp_path):
    copy = Path(shutil.copytree(season, tmp_path / "season"))
    (copy / "secret" / "salt").unlink()
    assert "restore it from a copy" in new(copy, code=1)
    assert not (copy / "secret" / "salt").exists()


@slow
def test_a_reveal_spares_another_dataset_and_goes_on_with_its_own(season, revealed, tmp_path):
    def reveal(code=0):
        return kinebench("board", "season", "reveal", season, "--out", tmp_path, code=code)

    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "manifest.json").write_text("mine")
    assert "holds something else" in reveal(code=1)
    assert [path.name for path in tmp_path.rglob("*")] == ["dataset", "manifest.json"]
    shutil.rmtree(tmp_path / "dataset")
    shutil.copytree(revealed / "dataset", tmp_path / "dataset")
    (tmp_path / "dataset" / "manifest.json").unlink()
    reveal()
    assert commitment.released(tmp_path) == commitment.released(revealed)


def test_what_cannot_be_hidden_is_refused(tmp_path):
    recipe = recipes.load(LEAST)
    for name in ("Autumn", "a b", "a--b", "../x", "a" * 41):
        with pytest.raises(KineBenchError, match="--name"):
            release.begin(recipe, name, 3, tmp_path / "season")
    with pytest.raises(KineBenchError, match="short public list"):
        release.begin(recipes.load(str(RECIPES / "tiny_counterfactual.toml")), NAME, 3, tmp_path / "season")
    with pytest.raises(KineBenchError, match="--count is 0"):
        release.begin(recipe, NAME, 0, tmp_path / "season")
    with pytest.raises(KineBenchError, match="already"):
        release.begin(release.season_recipe(recipe, NAME), NAME, 3, tmp_path / "season")
    assert not list(tmp_path.iterdir())
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(KineBenchError, match="holds something else"):
        release.begin(recipe, NAME, 3, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    table = recipe.record
    for dataset in ({"season": NAME}, {"name": "least-other"}):
        with pytest.raises(KineBenchError, match=r"dataset\.name"):
            parse({**table, "dataset": table["dataset"] | dataset}, "mine.toml")


def test_no_two_salts_are_alike_and_a_damaged_one_is_refused(tmp_path):
    drawn = {salt.keep(tmp_path / name) for name in "abc"}
    assert len(drawn) == 3 and salt.keep(tmp_path / "a") in drawn
    (tmp_path / "a").write_text("12ab\n")
    with pytest.raises(KineBenchError, match="64 hexadecimal digits"):
        salt.read(tmp_path / "a")


def test_a_seed_too_wide_for_a_loader_is_declared_as_text():
    usual, wide = (list(features(("json",), wide_seed)) for wide_seed in (False, True))
    (place,) = (i for i, line in enumerate(usual) if line.strip() == "- name: seed")
    assert (usual[place + 1].strip(), wide[place + 1].strip()) == ("dtype: int64", "dtype: string")
    assert usual[: place + 1] + usual[place + 2 :] == wide[: place + 1] + wide[place + 2 :]


def cameras(recipe, seed, attempts=12):
    """What a seed would release: the cameras of its clips, whichever candidate was accepted."""
    for index in range(CLIPS):
        for attempt in range(attempts):
            yield sampler._camera(sampler.sample_rng(recipe, "test", index, attempt, seed), recipe)


def found_seed(targets, recipe, seeds):
    """The seed that draws one of these cameras, to nine digits, if it is among the guesses."""
    wanted = {round(camera.focal_px, 9) for camera in targets}
    return next((seed for seed in seeds if any(round(c.focal_px, 9) in wanted for c in cameras(recipe, seed))), None)


def guesses(recipe):
    """What an attacker would try who knows recipe, name, count and code, but not the salt."""
    words = [NAME, f"least-{NAME}", "least", recipe.sha256, f"{NAME}{CLIPS}", ""]
    named = [int(hashlib.sha256(word.encode()).hexdigest(), 16) for word in words]
    salts = [bytes(32), b"\xff" * 32, *(hashlib.sha256(word.encode()).digest() for word in words)]
    return [*range(20), 2026, 20261123, *named, *(salt.seed_of(each, NAME, recipe.sha256) for each in salts)]


@slow
def test_an_attacker_who_guesses_seeds_fails_where_they_are_secret(season):
    plain = recipes.load(LEAST)
    recipe = release.season_recipe(plain, NAME)
    source = open_source(season / "public" / "conditions", "test", "c_infer")
    targets = [source[key].camera for key in source.keys]
    assert found_seed(targets, recipe, guesses(recipe)) is None
    assert found_seed(targets, plain, guesses(recipe)[:10]) is None
    # The same attack finds an ordinary dataset's seed, a season's whose salt is a name, and this one with its salt.
    for weak, seed in ((plain, 7), (recipe, guesses(recipe)[-1])):
        assert found_seed(list(cameras(weak, seed))[:1], weak, [*guesses(recipe), 7]) == seed
    mine = salt.seed_of(SALT, NAME, recipe.sha256)
    assert Shards(season / "secret" / "dataset").manifest.seed == mine
    records = [Shards(season / "secret" / "dataset").record(key) for key in source.keys]
    attempts = 1 + max(record["provenance"]["attempt"] for record in records)
    drawn = {round(camera.focal_px, 9) for camera in cameras(recipe, mine, attempts)}
    assert {round(camera.focal_px, 9) for camera in targets} <= drawn


def flat(place, value):
    if isinstance(value, dict | list):
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from flat(f"{place}.{name}", part)
    else:
        yield place, value


@slow
def test_no_number_of_the_hidden_records_is_in_any_released_text(season):
    truth = Shards(season / "secret" / "dataset")
    said = texts(season / "public")
    everything = "\n".join(said.values())
    for secret in (SALT.hex(), str(truth.manifest.seed), f"{truth.manifest.seed:x}", "mass", "events", "attempt"):
        assert secret not in everything, secret
    count = 0
    for key in truth.keys("test"):
        record = truth.record(key)
        del record["camera"]
        released = "\n".join(text for path, text in said.items() if path.parent.name == key)
        numbers = set(re.findall(r"\d+\.\d+", released))
        velocities = {abs(x) for i in record["driven"] for x in record["objects"][i - 1]["velocities_mps"][0]}
        for place, value in flat("", record):
            if isinstance(value, float) and len(f"{abs(value)!r}".lstrip("0.")) > 4 and abs(value) not in velocities:
                assert repr(abs(value)) not in numbers, (key, place, value)
                count += 1
        source = condition_folder.read(season / "public" / "conditions" / key)
        assert {each.id for each in source.driven} <= set(record["driven"])
    assert count > 500


@slow
def test_released_files_have_no_other_keys_and_pictures_nothing_but_pixels(season):
    allowed = {
        "condition.json": "format_version key prompt frames fps width height driven.*.id driven.*.velocity_mps.* "
        "others.*.id nominal.friction nominal.restitution nominal.height_m camera.focal_px camera.rotation.*.* "
        "camera.translation_m.*",
        "conditions.json": "format_version facts.dataset facts.version facts.recipe_sha256 facts.seed facts.split "
        "facts.prompt facts.first_frame facts.path_version facts.kinebench conditions.*",
        "season.json": "kind schema_version name dataset.name dataset.version dataset.split dataset.recipe "
        "dataset.recipe_sha256 clips frames fps width height prompt versions.kinebench versions.data versions.metrics "
        "versions.path commitment",
    }
    kinds = set()
    for path in sorted((season / "public").rglob("*")):
        kinds.add(path.suffix)
        if path.suffix == ".json":
            table = json.loads(path.read_bytes())
            places = {re.sub(r"\.(\d+|least-[\w-]+)", ".*", place)[1:] for place, _ in flat("", table)}
            assert places <= set(allowed[path.name].split()), path
        elif path.suffix == ".csv":
            assert path.read_text().splitlines()[0] == "frame,x_px,y_px"
            assert all(len(line.split(",")) == 3 for line in path.read_text().splitlines())
        elif path.suffix == ".png":
            assert guard._chunks(path.read_bytes()) == {b"IHDR", b"IDAT", b"IEND"}
    assert kinds == {"", ".json", ".csv", ".png", ".md"}
    assert json.loads((season / "public/conditions/conditions.json").read_bytes())["facts"]["seed"] is None


def repacked(dataset, change):
    """Change the records of a dataset, and pack it anew, so that all its own hashes are right again."""
    manifest = Shards(dataset).manifest
    stock, spool = Stock(dataset, manifest.recipe_sha256), Spool(dataset)
    samples = [stock.load(key) for key in stock.rows]
    shutil.rmtree(dataset)
    dataset.mkdir()
    for sample in samples:
        change(sample)
        sample.members.pop("json")  # the spool writes it anew
        spool.put(sample)
    about = {name: getattr(manifest, name) for name in ("dataset", "recipe", "recipe_sha256", "seed")}
    pack(dataset, [sample.key for sample in samples], **about)
    return [sample.key for sample in samples]


def otherwise(sample):
    """A clip that begins the same, of other bodies and with another future."""
    for body in sample.record["objects"]:
        body |= {"mass_kg": 3.0, "friction": 0.9, "restitution": 0.7, "size_m": [0.3, 0.3, 0.3]}
        for name in ("positions_m", "velocities_mps"):
            body[name] = [body[name][0], *([1.0, 2.0, 0.1] for _ in body[name][1:])]
    sample.record["ground"] |= {"friction": 0.5, "yaw_rad": 1.0}
    sample.record["captions"]["c"] = "The red cube strikes the blue one."
    sample.record["provenance"]["attempt"] += 1


@slow
def test_nothing_that_is_withheld_reaches_a_condition(season, shown):
    repacked(shown / "dataset", otherwise)
    source = open_source(shown / "dataset", "test", "c_infer")
    assert {key: source[key].sha256 for key in source.keys} == listing.read(season / "public" / "conditions").sha256


def spoil_text(public, name, spoil):
    path = public / name
    path.write_text(spoil(path.read_text()))


@slow
def test_the_guard_finds_whatever_would_tell(season, public):
    truth = Shards(season / "secret" / "dataset")
    one, two = truth.keys("test")[:2]
    body = truth.record(one)["objects"][0]
    place = public / "conditions" / one
    spoil_text(public, f"conditions/{one}/condition.json", lambda text: text.replace("{", '{"mass_kg": 1.5,', 1))
    spoil_text(public, "README.md", lambda text: f"{text}\n{body['mass_kg']} kg\n")
    spoil_text(public, "SHA256SUMS", lambda text: f"{text}{SALT.hex()}\n")
    seed = f'"seed": {truth.manifest.seed}'
    spoil_text(public, "conditions/conditions.json", lambda text: text.replace('"seed": null', seed))
    png = (place / "mask_1.png").read_bytes()
    (place / "mask_1.png").write_bytes(png[:-12] + b"\0\0\0\4tEXta\0bc" + b"\0" * 4 + png[-12:])
    (place / "first_frame.png").write_bytes((place / "first_frame.png").read_bytes() + b"friction 0.3")
    (public / "conditions" / two / "truth.mkv").write_bytes(b"what happens")
    (public / "conditions" / "interactions_test_000003").mkdir()
    found = {fault.file: fault.what for fault in guard.leaks(public, season / "secret" / "dataset", SALT)}
    assert "mass_kg" in found.pop(f"conditions/{one}/condition.json")
    assert found.pop("README.md").endswith(f"which is {one}.objects.0.mass_kg")
    assert found.pop("SHA256SUMS") == found.pop("conditions/conditions.json") == "holds the salt or the seed"
    assert "tEXt" in found.pop(f"conditions/{one}/mask_1.png")
    assert "more than pixels" in found.pop(f"conditions/{one}/first_frame.png")
    assert found.pop(f"conditions/{two}/truth.mkv") == "is nothing that is released"
    assert found == {"conditions/interactions_test_000003": "is of no clip of the season"}
    assert guard.leaks(season / "public", season / "secret" / "dataset", SALT) == ()


@slow
def test_nothing_is_released_that_the_guard_objects_to(season, tmp_path):
    copy = Path(shutil.copytree(season, tmp_path / "season"))
    (copy / "public" / "season.json").unlink()
    (copy / "public" / "notes.txt").write_text("the striker is object 2")
    assert "notes.txt: is nothing that is released" in new(copy, code=1)
    assert not (copy / "public" / "season.json").exists()


@slow
def test_the_commitment_can_be_recomputed_without_kinebench(season, revealed):
    public = season / "public"
    files = sorted(path for path in public.rglob("*") if path.is_file() and path.name != "season.json")
    said = json.loads((public / "season.json").read_bytes())
    published = said.pop("commitment")
    statement_text = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    lines = ["kinebench season commitment 1", f"season {NAME}", f"salt {SALT.hex()}"]
    digest = hashlib.sha256((revealed / "dataset" / "manifest.json").read_bytes()).hexdigest()
    lines += [f"manifest {digest}", f"statement {hashlib.sha256(statement_text).hexdigest()}"]
    names = sorted(path.relative_to(public).as_posix() for path in files)
    lines += [f"file {hashlib.sha256((public / name).read_bytes()).hexdigest()} {name}" for name in names]
    text = "".join(f"{line}\n" for line in lines).encode()
    assert hashlib.sha256(text).hexdigest() == published
    assert (revealed / "commitment.txt").read_bytes() == text


@slow
def test_a_revealed_season_is_proved(season, revealed):
    assert "season 2026-autumn is proved: " in kinebench(
        "board", "season", "check", season / "public", revealed, "--workers", 1
    )
    assert sorted(path.name for path in revealed.iterdir()) == ["commitment.txt", "dataset", "salt"]


@slow
def test_a_season_that_was_changed_after_its_release_is_not_revealed(season, tmp_path):
    copy = Path(shutil.copytree(season, tmp_path / "season"))
    spoil_text(copy, "public/README.md", lambda text: text + "by the way\n")
    said = kinebench("board", "season", "reveal", copy, "--out", tmp_path / "out", code=1)
    assert "is not what was released" in said and not (tmp_path / "out").exists()


def faults(public, shown):
    heard = []
    done = checking.check(public, shown, 1, lambda *stage: None, heard.append)
    assert list(done.faults) == heard
    return {(each.sample or each.file or "", each.what) for each in heard}


@slow
def test_a_mass_that_was_changed_is_found_also_by_replay(public, shown):
    def lighten(sample):
        if sample.record["index"] == 1:
            sample.record["objects"][0]["mass_kg"] = 0.987654321

    keys = repacked(shown / "dataset", lighten)
    (key,) = (key for key in keys if Shards(shown / "dataset").record(key)["index"] == 1)
    found = faults(public, shown)
    assert [what for place, what in found if place == key and "mass_kg is 0.987654" in what]
    assert ("commitment.txt", "is of another release: what is here differs in manifest") in found
    differing = checking.replay(public, shown, 2, 1, Unwatched())  # clips 0 and 1, of which 0 is as it was
    assert [(fault.sample, fault.what) for fault in differing] == [(key, "made again, its json differ")]


@slow
def test_a_salt_a_condition_and_an_id_that_were_changed_are_found_at_once(public, shown):
    (shown / "salt").write_bytes(salt.text(bytes(32)))
    conditions = public / "conditions"
    one, two = list(listing.read(conditions).sha256)[:2]
    spoil_text(conditions, f"{one}/condition.json", lambda text: text.replace('"prompt": "', '"prompt": "Soon, '))
    other = f"{two[:-4]}{'0' * 4}"
    (conditions / two).rename(conditions / other)
    spoil_text(conditions, f"{other}/condition.json", lambda text: text.replace(two, other))
    spoil_text(conditions, "conditions.json", lambda text: text.replace(two, other))
    found = faults(public, shown)
    places = {(place, what.partition(":")[0]) for place, what in found}
    for wanted in (
        (f"conditions/{one}/condition.json", "has another sha256 than SHA256SUMS says"),
        (one, "is not the condition that conditions.json lists"),
        (one, "is not the condition of the revealed clip"),
        (other, "a condition of it was released, and it was not revealed"),
        (two, "was revealed, and no condition of it was released"),
        (two, "its id does not follow from the salt"),
        ("dataset/manifest.json", "its seed is not the one that follows from the salt"),
        ("commitment.txt", "is of another release"),
    ):
        assert wanted in places, (wanted, places)
    said = kinebench("board", "season", "check", public, shown, "--workers", 1, code=1)
    assert f"{len(found)} faults; what was revealed is not what was released" in said


@slow
def test_clips_that_were_exchanged_or_cut_are_found(public, shown):
    clips = []

    def exchange(sample):
        clips.append(sample.members["mp4"])
        sample.members["mp4"] = clips[0]

    keys = repacked(shown / "dataset", exchange)
    assert any(place in keys[1:] and "its clip is the same as that of" in what for place, what in faults(public, shown))
    tar = next((shown / "dataset").glob("*-lossless-*.tar"))
    tar.write_bytes(tar.read_bytes()[:9000])
    (shown / "commitment.txt").unlink()
    found = faults(public, shown)
    assert ("commitment.txt", "cannot be read: No such file or directory") in found
    assert any(place == f"dataset/{tar.name}" for place, _ in found)
    shutil.rmtree(shown / "dataset")
    assert any("is no packed dataset" in what for _, what in faults(public, shown))


def filled(form):
    """The form of `kinebench submit pack`, with an answer in the place of each question."""
    for name, answer in (("authors", ["A. Uthor"]), ("contact", "a@example.org"), ("hardware", "one core")):
        form = re.sub(rf"^{name} = \S+", f"{name} = {json.dumps(answer)}", form, flags=re.MULTILINE)
    return form.replace('"?"', '""')


@slow
def test_a_submission_made_from_the_release_is_scored_on_the_secret_dataset(season, revealed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    conditions, dataset = season / "public" / "conditions", season / "secret" / "dataset"
    kinebench("run", "friction_discs", "--data", conditions, "--out", "mine")
    assert json.loads(Path("mine/run.json").read_bytes())["source"]["seed"] is None
    kinebench("submit", "pack", "mine", "--data", conditions, "--out", "sent", code=1)
    Path("about.toml").write_text(filled(Path("about.toml").read_text()))
    kinebench("submit", "pack", "mine", "--data", conditions, "--out", "sent")
    places = ("--results", "results", "--films", "films", "--workers", 1)
    kinebench("board", "score", "sent", "--data", dataset, *places)
    (result,) = results.read(Path("results"))
    card = result.card
    assert result.dataset == f"least-{NAME}@1.0.0"
    assert card["dataset"]["seed"] is None and list(card["clips"]) == sorted(independent_keys())
    assert np.isfinite(card["summaries"]["mse"]["value"]) and not card["unusable"]
    truths = {clip["truth"] for clip in card["clips"].values()}
    films = {path.stem for path in Path("films").rglob("*.webp")}
    assert len(films) == 2 * CLIPS and not films & truths  # conditions and predictions, no truth
    seed = str(Shards(dataset).manifest.seed)
    written = [path for path in tmp_path.rglob("*") if path.suffix in (".json", ".toml", ".csv")]
    assert len(written) > 5 and not any(seed in path.read_text() for path in written)
    assert "publish no result" not in kinebench("board", "score", "sent", "--data", revealed / "dataset", *places)
    assert truths <= {path.stem for path in Path("films").rglob("*.webp")}


def told(card, site):
    """Scores of single clips that a file of a site says, but for the least and the most of a metric.

    With so few clips, ends of intervals are single scores.
    """
    telling = set()
    for metric in card["metrics"]:
        values = [clip["predictions"]["0"]["values"].get(metric) for clip in card["clips"].values()]
        telling |= {f"{value:.7g}" for value in sorted(value for value in values if value is not None)[1:-1]}
    telling = {text for text in telling if len(text) > 5}  # others are met by chance
    said = {number for path in site.rglob("*") if path.suffix in (".js", ".json", ".csv") for number in numbers(path)}
    assert len(telling) > CLIPS
    return telling & said


def numbers(path):
    return {f"{float(number):.7g}" for number in re.findall(r"\d+\.\d+(?:e[+-]?\d+)?", path.read_text())}


@slow
def test_pages_hold_means_until_the_reveal(season, revealed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = season / "secret" / "dataset"
    places = ("--results", "results", "--films", "films")
    for method, films in (("static", 2 * CLIPS), ("oracle", 2 * CLIPS)):  # the oracle's videos are the truth
        kinebench("run", method, "--data", dataset, "--out", method)
        form = ("submit", "pack", method, "--data", dataset, "--about", f"{method}.toml", "--out", f"{method}-sent")
        kinebench(*form, code=1)
        Path(f"{method}.toml").write_text(filled(Path(f"{method}.toml").read_text()))
        kinebench(*form)
        said = kinebench("board", "score", f"{method}-sent", "--data", dataset, *places, "--workers", 1)
        assert "publish no result before its reveal" in said
        assert len(list(Path("films").rglob("*.webp"))) == films
    result = results.read(Path("results"))[1]
    assert result.method == "static"

    published = Path("seasons") / NAME
    for nothing_said_yet in (True, False):
        if not nothing_said_yet:
            shutil.copytree(season / "public", published)
        kinebench("board", "build", *places, "--seasons", "seasons", "--out", "site")
        assert told(result.card, Path("site")) == set()
    tables = [path.read_text() for path in Path("site/data").rglob("table.js")]
    assert any(f"{result.card['summaries']['mse']['value']:.7g}" in table for table in tables)
    (published / "commitment.txt").write_text("something else\n")
    refused = kinebench("board", "build", *places, "--seasons", "seasons", "--out", "site", code=1)
    assert f"is not what season {NAME} was committed to" in refused and told(result.card, Path("site")) == set()
    shutil.copy(revealed / "commitment.txt", published)
    kinebench("board", "build", *places, "--seasons", "seasons", "--out", "site")
    assert len(told(result.card, Path("site"))) > CLIPS
