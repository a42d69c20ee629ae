"""A revealed season against what was released of it: commitment, dataset, seed, ids, conditions, clips made anew."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kinebench import generate
from kinebench import recipe as recipes
from kinebench.board.fault import Fault
from kinebench.board.season import commitment, salt, statement
from kinebench.board.season.release import CONDITIONS, DATASET
from kinebench.board.season.replay import replayed
from kinebench.board.season.statement import Statement
from kinebench.errors import KineBenchError
from kinebench.methods import condition_folder, listing
from kinebench.methods.source import Source, open_source
from kinebench.recipe import Recipe
from kinebench.runners.ledger import Watch
from kinebench.scoring.truths import CheckedShards, open_truths
from kinebench.shards import manifest as manifests
from kinebench.shards.files import Progress, sha256_file
from kinebench.shards.manifest import Manifest
from kinebench.shards.plan import Plan
from kinebench.verify.folder import verify

AGAIN = "get it again from where the season was released; if it stays so, the season was changed"
CHANGED = "get it again from where the season was revealed; if it stays so, the season was changed"

Found = Callable[[Fault], None]


@dataclass(frozen=True)
class Checked:
    """What was looked at, and what is wrong."""

    season: str
    clips: int  # whose conditions were released
    files: int  # that were released
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class Proof:
    """The two sides, as far as they can be read."""

    said: Statement
    public: Path
    revealed: Path
    files: dict[str, str]  # every released file, with its hash
    salt: bytes | None
    manifest: Manifest | None

    @property
    def dataset(self) -> Path:
        """The revealed ground truth."""
        return self.revealed / DATASET


def check(public: Path, revealed: Path, workers: int, note: Progress, found: Found) -> Checked:
    """Prove a season, all but its replay; `found` is told of each fault at once.

    Raises KineBenchError if `public` is no released season.
    """
    faults = list[Fault]()

    def hear(some: Iterable[Fault]) -> None:
        for fault in some:
            faults.append(fault)
            found(fault)

    proof, unread = _opened(public, revealed)
    hear(unread)
    hear(_file_faults(proof))
    hear(_commitment_faults(proof))
    if proof.manifest is not None:
        report = verify(proof.dataset, workers=workers, progress=note)
        keys = set(_keys(proof))
        for each in report.faults:
            sample, file = (each.subject, None) if each.subject in keys else (None, f"{DATASET}/{each.subject}")
            hear([Fault(each.fact, CHANGED, sample=sample, file=file)])
        hear(_origin_faults(proof, proof.manifest))
        hear(_condition_faults(proof, note))
    return Checked(str(proof.said["name"]), int(proof.said["clips"]), len(proof.files), tuple(faults))


def replay(public: Path, revealed: Path, clips: int, workers: int, watch: Watch) -> tuple[Fault, ...]:
    """Generate so many clips of a season again, and compare. Raises KineBenchError if that cannot be done here."""
    proof, unread = _opened(public, revealed)
    work, version = _plan(proof), proof.said["versions"]["data"]
    if version != recipes.DATA_VERSION:
        made = f"data version {version}, and this one makes {recipes.DATA_VERSION}"
        raise KineBenchError(f"--replay: season {proof.said['name']} is of {made}; install the version that made it")
    if unread or work is None:
        raise KineBenchError(f"nothing of {revealed} can be made again: it is not whole; see the other faults")
    return tuple(replayed(work, open_truths(proof.dataset, statement.SPLIT), clips, workers, watch))


def _opened(public: Path, revealed: Path) -> tuple[Proof, list[Fault]]:
    """Both sides, and what of the revealed one cannot be read."""
    said, files, faults = statement.read(public), commitment.released(public), list[Fault]()
    drawn, manifest = None, None
    try:
        drawn = salt.read(revealed / salt.NAME)
    except KineBenchError as error:
        faults.append(Fault(str(error), CHANGED, file=salt.NAME))
    try:
        manifest = manifests.read(revealed / DATASET)
        _recipe(manifest)
    except KineBenchError as error:
        manifest = None
        faults.append(Fault(str(error), CHANGED, file=f"{DATASET}/{manifests.NAME}"))
    return Proof(said, public, revealed, files, drawn, manifest), faults


def _recipe(manifest: Manifest) -> Recipe:
    return recipes.parse(manifest.recipe, "the recipe in manifest.json")


def _plan(proof: Proof) -> Plan | None:
    """What the salt gives; None if it, or the recipe, cannot be read."""
    if proof.salt is None or proof.manifest is None:
        return None
    recipe = _recipe(proof.manifest)
    seed = salt.seed_of(proof.salt, proof.said["name"], proof.said["dataset"]["recipe_sha256"])
    return generate.plan(recipe, statement.SPLIT, proof.said["clips"], seed)


def _keys(proof: Proof) -> tuple[str, ...]:
    """Of the revealed clips; none if the index cannot be read."""
    try:
        return open_truths(proof.dataset, statement.SPLIT).keys(statement.SPLIT)
    except KineBenchError:
        return ()


def _file_faults(proof: Proof) -> Iterator[Fault]:
    """The released files against their SHA256SUMS."""
    path = proof.public / commitment.SUMS
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    if not lines:
        yield Fault("is missing or empty", AGAIN, file=commitment.SUMS)
        return
    there = {name: digest for name, digest in proof.files.items() if name != commitment.SUMS}
    for name in sorted(listed.keys() | there.keys()):
        if name not in there:
            yield Fault("is missing", AGAIN, file=name)
        elif name not in listed:
            yield Fault("was not released: SHA256SUMS does not list it", f"remove {proof.public / name}", file=name)
        elif there[name] != listed[name]:
            yield Fault("has another sha256 than SHA256SUMS says", AGAIN, file=name)


def _commitment_faults(proof: Proof) -> Iterator[Fault]:
    """The text that was revealed against the published hash, and what is there against the text."""
    path = proof.revealed / commitment.NAME
    try:
        text = path.read_bytes()
    except OSError as error:
        yield Fault(f"cannot be read: {error.strerror}", CHANGED, file=commitment.NAME)
        return
    if commitment.commitment(text) != proof.said["commitment"]:
        yield Fault("is not the text whose sha256 season.json published", CHANGED, file=commitment.NAME)
    if proof.salt is None or proof.manifest is None:
        return
    digest = sha256_file(proof.dataset / manifests.NAME)
    mine = commitment.text(proof.said, proof.salt, digest, proof.files)
    if mine == text:
        return
    said, found = (each.decode(errors="replace").splitlines() for each in (text, mine))
    other = [line for line in found if line not in said] or ["their order"]
    what = ", ".join(sorted({line.partition(" ")[0] for line in other}))
    yield Fault(f"is of another release: what is here differs in {what}", CHANGED, file=commitment.NAME)


def _origin_faults(proof: Proof, manifest: Manifest) -> Iterator[Fault]:
    """Dataset, seed and ids against statement and salt."""
    recipe, dataset = _recipe(manifest), proof.said["dataset"]
    video = recipe.video
    pairs = {
        "season": (recipe.dataset.season, proof.said["name"]),
        "dataset": (manifest.dataset, dataset["name"]),
        "version": (recipe.dataset.version, dataset["version"]),
        "recipe_sha256": (manifest.recipe_sha256, dataset["recipe_sha256"]),
        "splits": (list(manifest.splits), [dataset["split"]]),
        **{name: (getattr(video, name), proof.said[name]) for name in ("frames", "fps", "width", "height")},
    }
    name = f"{DATASET}/{manifests.NAME}"
    for what, (mine, wanted) in pairs.items():
        if mine != wanted:
            yield Fault(f"{what} is {mine}, {statement.NAME} says {wanted}", CHANGED, file=name)
    if (work := _plan(proof)) is None:
        return
    if manifest.seed != work.seed:
        yield Fault("its seed is not the one that follows from the salt", CHANGED, file=name)
    wanted, there = set(work.keys), set(_keys(proof))
    for key in sorted(wanted - there):
        yield Fault("follows from the salt, and the dataset lacks it", CHANGED, sample=key)
    for key in sorted(there - wanted):
        yield Fault("its id does not follow from the salt", CHANGED, sample=key)


def _condition_faults(proof: Proof, note: Progress) -> Iterator[Fault]:
    """Each released condition against that of the revealed clip."""
    try:
        shards: CheckedShards = open_truths(proof.dataset, statement.SPLIT)
        source = open_source(proof.dataset, statement.SPLIT, statement.PROMPT)
        listed = listing.read(proof.public / CONDITIONS).sha256
    except KineBenchError as error:
        yield Fault(f"conditions cannot be compared: {error}", CHANGED)
        return
    for key in sorted(set(shards.keys(statement.SPLIT)) - set(listed)):
        yield Fault("was revealed, and no condition of it was released", AGAIN, sample=key)
    for done, (key, digest) in enumerate(listed.items(), 1):
        yield from _compared(proof, source, key, digest)
        note("conditions", done, len(listed))


def _compared(proof: Proof, source: Source, key: str, digest: str) -> Iterator[Fault]:
    place = f"{CONDITIONS}/{key}"
    if key not in source.keys:
        yield Fault("a condition of it was released, and it was not revealed", CHANGED, sample=key)
        return
    try:
        released = condition_folder.read(proof.public / place).sha256
        made = source[key].sha256
    except KineBenchError as error:
        yield Fault(str(error), AGAIN, sample=key, file=place)
        return
    if released != digest:
        yield Fault(f"is not the condition that {listing.FILE} lists", AGAIN, sample=key, file=place)
    if released != made:
        version = proof.said["versions"]["kinebench"]
        remedy = f"{AGAIN}; conditions were written by kinebench {version}, and another may word a prompt otherwise"
        yield Fault("is not the condition of the revealed clip", remedy, sample=key, file=place)
