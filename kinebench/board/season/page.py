"""README.md of a released season, for those who take part."""

from kinebench.board.season.statement import Statement


def page(said: Statement, title: str) -> bytes:
    """The file."""
    name, dataset = said["name"], said["dataset"]
    shape = f"{said['frames']} frames of {said['width']}x{said['height']} at {said['fps']} frames a second"
    return f"""# {title}: season {name}

{said["clips"]} clips that nobody has seen, of {shape}. Here are the
conditions alone: of each clip the first frame, the masks of its objects, velocity and path of those that move, the
prompt, the camera, and the constants that are the same for every clip. The clips, and all that made them, are withheld
until the season ends.

    kinebench run METHOD --data conditions --out PRED
    kinebench submit pack PRED --data conditions --out SUBMISSION

Results are filed under `{dataset["name"]}@{dataset["version"]}`. Look at `conditions/overview.png`. The ids are random;
their order says nothing.

`commitment` in `season.json` is the sha256 of a text that is published when the season ends. It names a secret salt,
the hidden dataset and every file here by its hash, so that none of them can be changed now.
`kinebench board season check` then proves that the clips follow from the salt, and these conditions from the clips.
""".encode()
