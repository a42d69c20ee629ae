"""What rejects a candidate, in words: the same whether it is foreseen or seen."""

from typing import Literal

from kinebench.recipe import Acceptance

Wish = Literal["no contact", "strike", "near miss", "anything"]
"""What must happen in a clip."""

NO_PLACE = "no free place in view for every object"
NOTHING_IN_THE_WAY = "nothing stands in the driven object's way (counterfactual)"
NOT_THE_STRUCK_ONE = "the driven object strikes another than the struck object first (counterfactual)"


def touch(wish: Wish) -> str:
    """Two objects touch and must not."""
    if wish == "near miss":
        return "two objects touch where a near miss is wanted (interaction_share)"
    return "two objects touch (contact = forbidden)"


def nothing_struck(rule: Acceptance) -> str:
    """No two objects touch, and a strike is wanted."""
    return f"nothing is struck (contact = {rule.contact})"


def not_moved(rule: Acceptance) -> str:
    """Something is struck, and hardly moves."""
    return f"no struck object travels struck_path_px = {rule.struck_path_px:g}"


def no_near_miss(rule: Acceptance) -> str:
    """Nothing comes near enough for a near miss."""
    return f"no driven object passes another within near_miss_m = {rule.near_miss_m:g}"


def leaves_view(rule: Acceptance) -> str:
    """A driven object leaves the image or comes too near its edge."""
    return f"a driven object comes within border_px = {rule.border_px:g} of the image's edge"


def short_path(rule: Acceptance) -> str:
    """A driven object hardly moves."""
    return f"a driven object travels less than min_path_px = {rule.min_path_px:g}"


def overlap(rule: Acceptance) -> str:
    """Two objects sink into each other."""
    return f"objects overlap by more than max_penetration_m = {rule.max_penetration_m:g}"


def hidden(rule: Acceptance) -> str:
    """An object is hidden or too small at the start."""
    return f"an object shows less than min_visible_px = {rule.min_visible_px} at frame 0"
