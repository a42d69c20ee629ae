"""Statistics as rows of text, for tables on the screen and in cards."""

from kinebench.stats.summary import SplitStats, Spread


def quantities(split: SplitStats) -> dict[str, str]:
    """Rows of one split: median (lowest..highest), unless a row says otherwise."""
    return {
        "samples": f"{split.samples:,}",
        "minutes of video": f"{split.seconds / 60:.1f}",
        "objects": shown(split.objects),
        "  of them driven": shown(split.driven),
        "  of them moved": shown(split.moved),
        "contact events": shown(split.events),
        "samples with contact": f"{split.contact_share:.0%}",
        "samples with interaction": f"{split.interaction_share:.0%}",
        "first contact, s": shown(split.first_contact_s.spread, 2),
        "closing speed of contacts, m/s": shown(split.closing_speed_mps, 2),
        "speed of driven objects, m/s": shown(split.speed_mps, 2),
        "distance of driven objects, m": shown(split.driven_path_m.spread, 2),
        "distance of struck objects, m": shown(split.struck_path_m.spread, 2),
        "path of driven objects, px": shown(split.path_px),
        "deceleration / (mu g)": shown(split.braking, 3),
        "visible pixels of objects": shown(split.visible_px),
        "words of a caption": shown(split.caption_words.spread),
        "candidates rejected": shown(split.rejected),
    }


def names(split: SplitStats) -> dict[str, dict[str, int]]:
    """What occurs how often, most frequent first."""
    rows = {"shapes": split.shapes, "colours": split.colours, "grounds": split.textures}
    return rows | ({"factors": split.factors} if split.factors else {})


def shown(spread: Spread, digits: int = 0) -> str:
    """Median and range, or that there is nothing."""
    if not spread.count:
        return "none"
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f}..{spread.high:.{digits}f})"
