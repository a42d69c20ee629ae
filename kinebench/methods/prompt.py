"""`c_infer`: the prompt for inference. What the first frame shows, and what nominal physics makes of it.

The paper lets GPT-5 write it from the image, the direction and the speed. Here the same machine that captions clips
tells a clip that never was: discs of nominal friction, from `discs.py`. It knows what is seen in the first frame, and
nothing of the simulation.
"""

import hashlib
import re
from dataclasses import dataclass, replace

import numpy as np

from kinebench.annotate.caption import caption
from kinebench.annotate.claim import Moves, Narrative, Strikes
from kinebench.annotate.narrative import narrate
from kinebench.annotate.place import direction_of
from kinebench.annotate.plot import Detail
from kinebench.annotate.wording import number
from kinebench.methods.condition import Condition
from kinebench.methods.discs import Disc, Hit, Slide, on_ground, roll_out
from kinebench.methods.path import Nominal
from kinebench.physics.rollout import Event, Rollout
from kinebench.scene.camera import Camera
from kinebench.scene.scene import Body, Ground, Light, Scene, Shape

EARLY_WORDS = 60
"""CLIP reads 77 tokens and no more: by then the first strike is told."""
LONGEST_CHARACTERS = 680
"""Of more, T5 might make 226 tokens, where CogVideoX cuts; a word of our captions has 1.3."""
DRAFTS = 40
MASS_KG = 1.0
_DETAILS = (
    Detail(starts=True, passes=False, effects=True, stops=True),
    Detail(starts=False, passes=False, effects=True, stops=True),
    Detail(starts=False, passes=False, effects=True, stops=False),
    Detail(starts=False, passes=False, effects=False, stops=False),
)
_COLLIDING = re.compile(r"\b(collid\w+|bumps?|hits?|runs? into|strik\w+|crash\w*|slams?|brush\w*|graz\w+|clips)\b")


@dataclass(frozen=True)
class Words:
    """What the first frame shows, in words."""

    ground: str  # with article: "a wooden floor"
    objects: dict[int, tuple[str, Shape]]  # id -> colour and shape


def c_infer(condition: Condition, words: Words) -> str:
    """The prompt of a condition, whose own prompt is not looked at; the same facts give the same words.

    The wording is drawn by what is seen, not by the key, so that clips that differ in one factor are told alike.
    Raises KineBenchError if the condition has no camera, constants or velocities.
    """
    discs = on_ground(condition)
    assert condition.camera is not None and condition.nominal is not None
    slide = roll_out(discs, condition.nominal, condition.frames, condition.fps)
    scene = _scene(discs, words, condition.camera, condition.nominal, (condition.frames, condition.fps))
    narrative = _in_motion(narrate(scene, _rollout(slide, discs, condition.nominal)), condition, discs)
    seed = hashlib.sha256(repr((words.ground, [body.name for body in scene.bodies])).encode()).digest()
    drafts = (
        caption(narrative, np.random.default_rng([*seed, attempt]), _DETAILS[min(attempt // 10, 3) :])
        for attempt in range(DRAFTS)
    )
    text = ""
    for text in drafts:
        if _tells_early(text, narrative):
            break
    return _fitting(text, narrative)


def _scene(discs: tuple[Disc, ...], words: Words, camera: Camera, nominal: Nominal, timing: tuple[int, float]) -> Scene:
    """The discs as a scene whose other facts are nobody's."""
    return Scene(
        dataset="",
        split="",
        index=0,
        seed=0,
        attempt=0,
        frames=timing[0],
        fps=round(timing[1]),
        bodies=tuple(_body(disc, *words.objects[disc.id], nominal) for disc in discs),
        ground=Ground("", words.ground, 1.0, 0.0, (0.0, 0.0), nominal.friction, 0.0),
        camera=camera,
        light=Light((0.0, 0.0, 1.0), 0.0, 0.0, (0.0, 0.0, 0.0), 0.0),
    )


def _body(disc: Disc, colour: str, shape: Shape, nominal: Nominal) -> Body:
    """A disc with the name of what it stands for."""
    edge = 2 * disc.radius_m if shape == "cylinder" else float(np.sqrt(np.pi)) * disc.radius_m  # of the same area
    return Body(
        shape=shape,
        size_m=(edge, edge, 2 * nominal.height_m),
        colour=colour,
        rgb=(0.0, 0.0, 0.0),
        roughness=0.0,
        mass_kg=MASS_KG,
        friction=1.0,
        restitution=nominal.restitution,
        position_m=(*disc.place_m, nominal.height_m),
        yaw_rad=0.0,
        velocity_mps=(*disc.velocity_mps, 0.0),
    )


def _rollout(slide: Slide, discs: tuple[Disc, ...], nominal: Nominal) -> Rollout:
    """The slide in three dimensions."""
    numbers = {disc.id: number for number, disc in enumerate(discs, 1)}
    upright = np.zeros((*slide.positions_m.shape[:2], 4))
    upright[..., 0] = 1
    return Rollout(
        positions_m=np.pad(slide.positions_m, ((0, 0), (0, 0), (0, 1)), constant_values=nominal.height_m),
        quaternions_wxyz=upright,
        velocities_mps=np.pad(slide.velocities_mps, ((0, 0), (0, 0), (0, 1))),
        angular_velocities_radps=np.zeros((*slide.positions_m.shape[:2], 3)),
        events=tuple(_event(hit, numbers[hit.a], numbers[hit.b], nominal) for hit in slide.hits),
        penetration_m=0.0,
    )


def _event(hit: Hit, a: int, b: int, nominal: Nominal) -> Event:
    return Event(
        time_s=hit.time_s,
        end_s=hit.time_s,
        a=a,
        b=b,
        impulse_ns=(1 + nominal.restitution) / 2 * hit.closing_speed_mps * MASS_KG,
        closing_speed_mps=hit.closing_speed_mps,
        point_m=(*hit.point_m, nominal.height_m),
        normal=(*hit.normal, 0.0),
    )


def _in_motion(narrative: Narrative, condition: Condition, discs: tuple[Disc, ...]) -> Narrative:
    """With the direction also of driven objects that nobody would see move: by a little, or before they strike."""
    numbers = {disc.id: number for number, disc in enumerate(discs, 1)}
    told = {claim.body for claim in narrative.claims if isinstance(claim, Moves)}
    striking = {i for claim in narrative.claims if isinstance(claim, Strikes) for i in (claim.striker, claim.struck)}
    added = []
    for each in condition.driven:
        body, way = numbers[each.id], each.path_px[-1] - each.path_px[0]
        if way.any() and body not in told and any(thing.id == body for thing in narrative.things):
            added.append(Moves(0.0, body, direction_of(way), "plain" if body in striking else "slight", None))
    moving = {claim.body for claim in added}
    return replace(
        narrative,
        claims=tuple(sorted((*added, *narrative.claims), key=lambda claim: claim.time_s)),
        stationary=tuple(i for i in narrative.stationary if i not in moving),
    )


def _tells_early(text: str, narrative: Narrative) -> bool:
    """Whether the first words name who moves and, if anything is struck, what is struck first."""
    story = " ".join(text.split()[:EARLY_WORDS]).partition(". ")[2]
    strikes = [claim for claim in narrative.claims if isinstance(claim, Strikes)]
    moves = [claim for claim in narrative.claims if isinstance(claim, Moves)]
    if strikes:
        named = (strikes[0].striker, strikes[0].struck)
        return bool(_COLLIDING.search(story)) and all(narrative.thing(i).name in story.lower() for i in named)
    return not moves or narrative.thing(moves[0].body).name in story.lower()


def _fitting(text: str, narrative: Narrative) -> str:
    """The text, without its last sentences and the list of objects where it is too long."""
    if len(text) <= LONGEST_CHARACTERS:
        return text
    _, *story = text.split(". ")
    count = len(narrative.things)
    sentences = [f"There are {number(count)} objects on {narrative.ground}", *story]
    while len(sentences) > 2 and len(". ".join(sentences)) > LONGEST_CHARACTERS:
        sentences = sentences[:-1]
    return f"{'. '.join(sentences).rstrip('.')}."
