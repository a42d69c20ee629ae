"""Samples against each other: no two the same, no colour or ground in two splits, and groups that share the rest."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kinebench.recipe import Recipe
from kinebench.verify.bounds import family


@dataclass(frozen=True)
class Identity:
    """What no other sample, or no sample of another split, may have too."""

    split: str
    stream: tuple[int, str, int, int]  # seed, split, index, attempt: names the random numbers it was drawn from
    scene_sha256: str  # camera, light, ground and objects as they are at frame 0
    owned: dict[str, tuple[str, ...]]  # colours and grounds, by kind; each is of one split only
    group: str | None  # of a counterfactual sample, with its split
    shared: dict[str, str]  # what it shares with its group: the scene, part by part, but for the factor


def identify(record: dict[str, Any]) -> Identity:
    """The identity of a sound record."""
    scene, provenance, variant = _parts(record), record["provenance"], record.get("counterfactual")
    return Identity(
        split=record["split"],
        stream=(provenance["seed"], record["split"], record["index"], provenance["attempt"]),
        scene_sha256=hashlib.sha256(json.dumps(scene, sort_keys=True).encode()).hexdigest(),
        owned={
            "ground": (record["ground"]["texture"],),
            "family of grounds": tuple({family(record["ground"]["texture"])} - {record["ground"]["texture"]}),
            "colour": tuple(dict.fromkeys(body["colour"] for body in record["objects"])),
            "rgb": tuple(dict.fromkeys(str(body["rgb"]) for body in record["objects"])),
        },
        group=None if variant is None else f"{record['split']} {variant['group']}",
        shared={} if variant is None else {**_but(scene, variant), **_told(record, variant)},
    )


def _parts(record: dict[str, Any]) -> dict[str, str]:
    """The scene of a record at frame 0 as named parts: "objects.1.mass_kg"."""
    static = ("shape", "size_m", "rgb", "roughness", "mass_kg", "friction", "restitution")
    tables = ("positions_m", "quaternions_wxyz", "velocities_mps")
    parts = {f"{name}.{key}": part for name in ("camera", "light", "ground") for key, part in record[name].items()}
    for body in record["objects"]:
        parts |= {f"objects.{body['id']}.{name}": body[name] for name in static}
        parts |= {f"objects.{body['id']}.{name}": body[name][0] for name in tables}
    return {name: json.dumps(part) for name, part in parts.items()}


def _but(scene: dict[str, str], variant: dict[str, Any]) -> dict[str, str]:
    """The parts of a scene that a variant's factor does not touch; the struck object is the last, if it is present."""
    struck = max(int(name.split(".")[1]) for name in scene if name.startswith("objects."))
    present = f"objects.{struck}." if variant["value"] else "nothing"
    touched = {"speed": "velocities_mps", "direction": "velocities_mps", "friction": "ground.friction"}
    touched |= {"mass": f"objects.{struck}.mass_kg", "presence": present}
    return {name: part for name, part in scene.items() if touched[variant["factor"]] not in name}


def _told(record: dict[str, Any], variant: dict[str, Any]) -> dict[str, str]:
    return {"factor": variant["factor"], "attempt": str(record["provenance"]["attempt"])}


@dataclass
class Register:
    """What was seen so far; the same samples in the same order give the same facts."""

    clips: dict[str, str] = field(default_factory=dict)  # sha256 of mp4 -> key of the first sample
    streams: dict[tuple[int, str, int, int], str] = field(default_factory=dict)
    scenes: dict[str, str] = field(default_factory=dict)
    owners: dict[tuple[str, str], str] = field(default_factory=dict)  # (kind, name) -> its split
    groups: dict[str, tuple[str, Identity]] = field(default_factory=dict)  # group -> its first sample
    twins: int = 0  # clips, scenes and random streams that occurred before
    strays: int = 0  # colours and grounds that occurred in another split before

    def clip_facts(self, key: str, mp4_sha256: str) -> Iterator[str]:
        """Whether another sample has the very same clip."""
        if (twin := self.clips.setdefault(mp4_sha256, key)) != key:
            self.twins += 1
            yield f"its clip is the same as that of {twin}"

    def facts(self, key: str, identity: Identity) -> Iterator[str]:
        """What the sample shares with others and may not share."""
        if (twin := self.streams.setdefault(identity.stream, key)) != key:
            self.twins += 1
            stream = "seed {}, split {}, index {}, attempt {}".format(*identity.stream)
            yield f"it is drawn from the same random numbers as {twin}: {stream}"
        if (twin := self.scenes.setdefault(identity.scene_sha256, key)) != key:
            self.twins += 1
            yield f"its scene is the same as that of {twin}: camera, light, ground and objects"
        yield from self._group_facts(key, identity)
        for kind, names in identity.owned.items():
            for name in names:
                if (split := self.owners.setdefault((kind, name), identity.split)) != identity.split:
                    self.strays += 1
                    yield f"its {kind} {name} is also in split {split}"

    def _group_facts(self, key: str, identity: Identity) -> Iterator[str]:
        if identity.group is None:
            return
        first, other = self.groups.setdefault(identity.group, (key, identity))
        mine, theirs = identity.shared, other.shared
        for name in sorted(mine.keys() | theirs.keys()):
            if mine.get(name) != theirs.get(name):
                yield f"its {name} is {mine.get(name)}, and in {first} of the same group it is {theirs.get(name)}"
                return


def recipe_facts(recipe: Recipe) -> Iterator[str]:
    """Colours and grounds that the recipe gives to two splits, by name, by rgb and by family."""
    owners: dict[tuple[str, str], str] = {}
    for split, content in recipe.splits.items():
        owned = [("colour", name) for name in content.colours]
        owned += [("colour of rgb", code.lower()) for code in dict.fromkeys(content.colours.values())]
        owned += [("family of grounds", name) for name in dict.fromkeys(map(family, content.textures))]
        for kind, name in owned:
            if (other := owners.setdefault((kind, name), split)) != split:
                yield f"the recipe gives the {kind} {name} to splits {other} and {split}"
