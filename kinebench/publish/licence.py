"""Under what terms a dataset is published: its licence file, its grounds, and how to cite it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kinebench.shards.manifest import Manifest
from kinebench.textures.catalogue import catalogue
from kinebench.textures.library import fetched_folder

NAME = "LICENSE"
CITATION = "CITATION.cff"
SPDX = "CC-BY-4.0"
HUB = "cc-by-4.0"  # how the Hub writes it
URL = "https://creativecommons.org/licenses/by/4.0/"
TEXT = Path(__file__).with_name("cc-by-4.0.txt")
_RULE = "=" * 71

PAPER = "Learning to Generate Rigid Body Interactions with Video Diffusion Models"
PAPER_AUTHORS = (
    ("David", "Romero"),
    ("Ariana", "Bermudez"),
    ("Hao", "Li"),
    ("Fabio", "Pizzati"),
    ("Ivan", "Laptev"),
)


@dataclass(frozen=True)
class Grounds:
    """Ids of the grounds in a dataset, by where they come from."""

    built_in: tuple[str, ...]  # drawn by KineBench
    ambientcg: tuple[str, ...]  # CC0-1.0
    own: tuple[str, ...]  # a folder of whoever made the dataset


def grounds(ids: Iterable[str]) -> Grounds:
    """Sort ids by origin: the catalogue knows its own, the folder of fetched grounds those of AmbientCG."""
    source = {entry.id: entry.source for entry in catalogue()}
    fetched = fetched_folder()
    found: dict[str, list[str]] = {"built-in": [], "ambientcg": [], "own": []}
    for name in sorted(set(ids)):
        kind = source.get(name) or ("ambientcg" if (fetched / name).is_dir() else "own")
        found[kind].append(name)
    return Grounds(tuple(found["built-in"]), tuple(found["ambientcg"]), tuple(found["own"]))


def ground_notes(found: Grounds) -> list[str]:
    """One sentence on each origin that occurs."""
    notes = []
    if found.built_in:
        notes.append(f"{len(found.built_in)} grounds are drawn by KineBench and are under this licence.")
    if found.ambientcg:
        notes.append(f"Grounds by AmbientCG (ambientcg.com) are CC0-1.0: {', '.join(found.ambientcg)}.")
    if found.own:
        notes.append(
            "Grounds that were neither drawn by KineBench nor fetched from AmbientCG where this dataset was published; "
            f"who published it answers for the right to show them: {', '.join(found.own)}."
        )
    return notes


def licence(manifest: Manifest, found: Grounds) -> bytes:
    """The LICENSE file: whose it is, the grounds, then the whole legal text."""
    recipe = manifest.recipe["dataset"]
    head = [f"{recipe['title']} {recipe['version']}, made with KineBench, is licensed under {SPDX}: {URL}"]
    notes = "\n".join([*head, *ground_notes(found)])
    return f"{notes}\n\n{_RULE}\n\n{TEXT.read_text()}".encode()


def citation(manifest: Manifest) -> bytes:
    """The CITATION.cff file."""
    recipe = manifest.recipe["dataset"]
    quoted = json.dumps  # a JSON string is a YAML string
    authors = "\n".join(f"      - {{given-names: {given}, family-names: {family}}}" for given, family in PAPER_AUTHORS)
    return f"""cff-version: 1.2.0
message: "If you use this dataset, please cite it and the paper whose data it makes."
type: dataset
title: {quoted(f"{recipe['title']} ({manifest.dataset})", ensure_ascii=False)}
version: {quoted(recipe["version"])}
license: {SPDX}
authors:
  - name: "The KineBench authors"
identifiers:
  - {{type: other, value: "sha256:{manifest.recipe_sha256}", description: "hash of the recipe"}}
references:
  - type: article
    title: {quoted(PAPER)}
    authors:
{authors}
""".encode()
