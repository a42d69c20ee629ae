"""Objects are cut out and slide as discs of nominal friction that push each other: the least of physics."""

from kinebench.errors import demand
from kinebench.methods import discs
from kinebench.methods.adapter import Setup
from kinebench.methods.condition import Condition
from kinebench.methods.sprites import staged
from kinebench.methods.video import Video


class FrictionDiscs:
    """Moves cut-outs over the ground, until they rest."""

    def generate(self, condition: Condition, seed: int) -> Video:
        """The same for every seed."""
        known = condition.camera is not None and all(each.velocity_mps is not None for each in condition.driven)
        if condition.nominal is None or not known:
            return Video(staged(condition, {}))
        found = discs.on_ground(condition)
        slide = discs.roll_out(found, condition.nominal, condition.frames, condition.fps)
        places_m = {disc.id: slide.positions_m[:, place] for place, disc in enumerate(found)}
        return Video(staged(condition, places_m), facts={"hits": len(slide.hits)})


def load(setup: Setup) -> FrictionDiscs:
    """Needs OpenCV, which fills in what an object leaves behind."""
    demand("cv2", "score")
    return FrictionDiscs()
