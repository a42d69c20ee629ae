"""A datasheet for a dataset, after Gebru et al. (Datasheets for Datasets, 2021): recipe and statistics in words.

It is written for one folder, a column a split, and for the built-in recipes, a column a dataset. No number in it is
typed: ranges are the recipe's, measurements the statistics'.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from kinebench import recipe as recipes
from kinebench.publish.licence import PAPER
from kinebench.stats.digest import names, quantities
from kinebench.stats.summary import SplitStats

RANGES = ("objects", "motion", "ground", "camera", "light", "render", "acceptance", "counterfactual")
"""Sections of a recipe whose values a datasheet lists."""
PICTURES = {
    "speed": "Speed over time",
    "distance": "Distance travelled",
    "contacts": "When things first touch, and how often",
    "braking": "Braking against friction",
    "scenes": "Directions of motion, and length of captions",
    "colours": "Colours and grounds",
}


@dataclass(frozen=True)
class Subject:
    """What a datasheet is about."""

    recipes: Mapping[str, Mapping[str, Any]]  # heading -> plain recipe: one, or one a dataset
    measured: Mapping[str, SplitStats]  # heading -> statistics: one a split, or one a dataset
    pictures: Sequence[str] = ()  # of `PICTURES`, those in previews/
    level: str = "###"  # of its headings


def datasheet(about: Subject) -> str:
    """The sections, in Markdown."""
    sections = {
        "Motivation": _motivation(about),
        "Composition": _composition(about),
        "Collection process": _collection(about),
        "Preprocessing and labelling": _PREPROCESSING,
        "Uses": _USES,
        "Limitations": _limitations(about),
        "Ethics": _ETHICS,
        "Distribution": _DISTRIBUTION,
        "Maintenance": _MAINTENANCE,
    }
    return "\n\n".join(f"{about.level} {title}\n\n{text.strip()}" for title, text in sections.items())


def limitations() -> str:
    """In one paragraph, for formats that have no room for more."""
    return " ".join(_BOUNDS)


BIASES = (
    "Shapes, sizes, speeds, friction and colours follow the ranges of the recipe, not those of the world. Clips are "
    "found by rejection, which favours motion that stays in view."
)
USES = "Training and scoring video models on the motion and collisions of rigid bodies, with dense velocity as control."
SOCIAL_IMPACT = (
    "None expected beyond that of video generation at large. Better physics in generated video can also make false "
    "video more convincing."
)
PERSONAL = "None: the scenes are synthetic and show no person, place, brand or recorded video."
_BOUNDS = (
    "Boxes and upright cylinders in plain colours on a flat textured ground, under one sun and a uniform sky.",
    "The camera stands still; nothing is thrown, dropped or stacked; no soft bodies, fluids, joints or clutter.",
    "Captions are written from the simulation by templates: what they say happened, but their language is narrower "
    "than a person's.",
    "Rendering only what changes leaves out light that an object throws far.",
    "Not fit to judge footage of the real world.",
)
_PREPROCESSING = """
Nothing is labelled by hand: masks, depth, flow, contacts and captions are computed from the simulation that was
rendered. Poses and velocities are rounded to a micrometre before anything is rendered, so table, mask and picture are
of one and the same motion. Clips are coded as H.264 for people and, in the `test` split, without loss as well. Nothing
is removed afterwards; candidates that break a rule of acceptance are thrown away before a pixel is rendered, and every
record says how many.
"""
_USES = f"""
{USES} The `test` split is for scores: its colours, grounds and random streams occur in no other, and it carries
lossless frames. Do not train on it. The data are not meant for judging physics outside of what the recipe draws; see
the limitations.
"""
_ETHICS = f"""
Personal information: {PERSONAL[0].lower()}{PERSONAL[1:]} No one was paid, recorded or asked to label anything.

Social impact: {SOCIAL_IMPACT[0].lower()}{SOCIAL_IMPACT[1:]}
"""
_DISTRIBUTION = """
CC BY 4.0; `LICENSE` has the text and the origin of every ground. The tars are plain WebDataset. `SHA256SUMS` and
`croissant.json` hold the hash of every tar; `kinebench verify` checks all of them, and the physics against the masks.
"""
_MAINTENANCE = """
The data are made by a program: with the same versions, recipe and seed anyone can make the same bytes, or more of
them. Errors are mended in the generator, under a new data version that changes every recipe's hash; published files are
not changed in place. Report faults to whoever published this copy, with the key of the sample.
"""


def _motivation(about: Subject) -> str:
    lines = [f"- **{recipe['dataset']['title']}**: {_described(recipe)}" for recipe in about.recipes.values()]
    return (
        "Video models are asked to move objects as told, and to let them strike, push and stop as real ones do. That "
        "needs clips whose velocities and contacts are known exactly; recordings have none. KineBench makes such clips "
        f"from recipes: anew, and with open settings, the two datasets of *{PAPER}* (KineMask, section 4.1), and "
        "others.\n\n" + "\n".join(lines)
    )


def _described(recipe: Mapping[str, Any]) -> str:
    rule, share = recipe["acceptance"]["contact"], recipe["acceptance"].get("interaction_share", 0.0)
    about = [str(recipe["dataset"]["description"]).strip()]
    if rule == "required" and share < 1:
        about.append(
            f"In {share:.0%} of the clips a driven object strikes one at rest and moves it; the others are near misses."
        )
    elif rule == "required":
        about.append("In every clip a driven object strikes one at rest and moves it.")
    if "counterfactual" in recipe:
        about.append("Clips come in groups that share everything but one factor, which each record names.")
    return " ".join(about)


def _composition(about: Subject) -> str:
    columns = [quantities(split) for split in about.measured.values()]
    rows = [[name.replace("  ", "&nbsp;&nbsp;"), *(column[name] for column in columns)] for name in columns[0]]
    lists = [names(split) for split in about.measured.values()]
    occurring = dict.fromkeys(name for column in lists for name in column)
    rows += [[name, *(_list(column.get(name, {})) for column in lists)] for name in occurring]
    pictures = [f"**{PICTURES[name]}**\n\n![{PICTURES[name]}](previews/{name}.png)" for name in about.pictures]
    text = (
        "A sample is one clip with its masks, caption and record. Measured, median (lowest..highest):\n\n"
        + table(["", *about.measured], rows, ":---" + "|---:" * len(columns))
        + "\n\nDriven objects already move at frame 0; struck ones stand still then and are touched later. "
        "Nothing is missing."
    )
    return "\n\n".join([text, *pictures])


def _list(counts: Mapping[str, int], most: int = 12) -> str:
    shown = [f"{name} {count}" for name, count in list(counts.items())[:most]]
    return ", ".join([*shown, *([f"and {len(counts) - most} more"] if len(counts) > most else [])])


def _collection(about: Subject) -> str:
    text = (
        "PyBullet simulates candidates drawn from the recipe; rules of acceptance keep those in which what the recipe "
        "asks for happens in view; Blender's Cycles renders these. Every range below is drawn uniformly, and so is "
        "every direction of motion before acceptance."
    )
    return f"{text}\n\n<details><summary>The recipe</summary>\n\n{recipe_table(about.recipes)}\n\n</details>"


def recipe_table(plain: Mapping[str, Mapping[str, Any]]) -> str:
    """What recipes set, a column each, and what each key means."""
    rows = []
    for section in RANGES:
        keys = dict.fromkeys(key for recipe in plain.values() for key in recipe.get(section, {}))
        for key in keys:
            between = ", " if section == "counterfactual" else " to "
            values = [_value(recipe.get(section, {}).get(key), between) for recipe in plain.values()]
            rows.append([f"`{section}.{key}`", *values, _meanings()[section].get(key, "")])
    for split in dict.fromkeys(split for recipe in plain.values() for split in recipe["splits"]):
        for key, what in (("colours", "colours of objects"), ("textures", "families of grounds, or single grounds")):
            rows.append([f"`splits.{split}.{key}`", *_each(plain, split, key), what])
    return table(["key", *plain, "meaning"], rows)


def _each(plain: Mapping[str, Mapping[str, Any]], split: str, key: str) -> Iterator[str]:
    for recipe in plain.values():
        yield ", ".join(name.replace("_", " ") for name in recipe["splits"].get(split, {}).get(key, ()))


def _value(value: Any, between: str) -> str:
    if isinstance(value, list):
        return between.join(f"{number:g}" for number in value)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


@cache
def _meanings() -> dict[str, dict[str, str]]:
    """Section -> key -> what the recipe's schema says of it."""
    schema = json.loads(Path(recipes.__file__).with_name("recipe.schema.json").read_text())
    return {
        section: {key: child.get("description", "") for key, child in node.get("properties", {}).items()}
        for section, node in schema["properties"].items()
    }


def _limitations(about: Subject) -> str:
    return "\n".join([*(f"- {bound}" for bound in _BOUNDS), f"- {BIASES}"])


def table(head: Sequence[str], rows: Sequence[Sequence[str]], rule: str | None = None) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{rule or '---|' * (len(head) - 1) + '---'}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
