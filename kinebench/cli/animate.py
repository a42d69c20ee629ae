"""`kinebench animate`: a photo and arrows become a condition, and with a method a clip."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinebench.cli.run import Set, Weights
from kinebench.cli.score import INCOMPLETE, Device

if TYPE_CHECKING:
    from kinebench.methods.condition import Mask
    from kinebench.methods.method import Method
    from kinebench.photo.animate import Driven, Standing
    from kinebench.photo.camera import View
    from kinebench.photo.clip import Laid
    from kinebench.photo.picture import Photo

NO_CAMERA = "none"


def animate(
    image: Annotated[Path, typer.Argument(help="A photo, in any size.")],
    out: Annotated[Path, typer.Option(help="Write condition, picture and clip to this folder.")],
    arrow: Annotated[
        list[str],
        typer.Option(help="x0,y0,x1,y1 in pixels of the photo: from an object to where it shall go; once for each."),
    ],
    mask: Annotated[
        list[Path] | None,
        typer.Option(
            help="White where the object is; one for each arrow, in the same order.",
            show_default="what is found under each arrow's tail",
        ),
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option(help="x0,y0,x1,y1 close around the object, which is found in it; in place of its mask."),
    ] = None,
    other_mask: Annotated[
        list[Path] | None, typer.Option(help="The mask of an object that stands still; once for each.")
    ] = None,
    speed: Annotated[
        list[float] | None,
        typer.Option(
            help="First speed in m/s: once for all arrows, or once for each.", show_default="by the arrow's length"
        ),
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(
            help="JSON with height_m, pitch_deg and field_of_view_deg or focal_px; `none`: an arrow is pixels alone.",
            show_default="the middle of the dataset Interactions",
        ),
    ] = None,
    prompt: Annotated[str | None, typer.Option(help="The words for the method.", show_default="by the names")] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="What the written prompt calls an object: once for each, those with arrows first."),
    ] = None,
    ground: Annotated[str, typer.Option(help="What it calls the ground, with article.")] = "a flat surface",
    method: Annotated[
        str | None, typer.Option(help="Make the clip by this method: a name of `kinebench methods list`, or a folder.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the clip.")] = 0,
    device: Annotated[Device, typer.Option(help="auto takes a GPU if the method asks for one.")] = Device.AUTO,
    settings: Set = None,
    weights: Weights = None,
) -> None:
    """Turn a photo and arrows into what a method is given, and let a method make the clip.

    The whole photo is fitted into 720x480, with its edges repeated beside it. An arrow is an object's way over the
    ground: it comes to rest at the arrow's head, or is there when the clip ends.
    """
    from kinebench.interrupt import stoppable
    from kinebench.photo import clip
    from kinebench.photo.animate import Wish, condition, key_of
    from kinebench.photo.picture import open_photo

    chosen = _method(method, settings, weights)
    masks, boxes, standing, key = mask or [], box or [], other_mask or [], key_of(image.stem)
    clip.spare(out, key, [image, *masks, *standing])
    with stoppable(lambda: "interrupted; run the same command again"):
        photo = open_photo(image)
        view = _view(camera, photo)
        shapes = _shapes(photo, arrow, masks, boxes)
        driven, others = _objects(photo, arrow, shapes, standing, speed or [], name or [])
        made = condition(Wish(key, photo, driven, others, view, prompt or "", ground))
        laid = clip.lay(out, made, lambda stage, done, whole: None)
    if camera is None:
        typer.echo(f"camera: not given; taken to be as in the dataset Interactions: {view.said if view else ''}")
    if not masks:
        typer.echo(f"masks: found by {'GrabCut' if boxes else _finder()}")
    for number, each in enumerate(made.driven, 1):
        typer.echo(f"object {number}: {_said(each.velocity_mps)}")
    typer.echo(f"prompt: {made.prompt}")
    typer.echo(f"condition: {laid.conditions / made.key}; look at {laid.picture}")
    if chosen:
        _run(chosen, laid, out, seed, device.value, settings, weights)
    else:
        typer.echo(f"make the clip with: --method NAME, or kinebench run NAME --data {laid.conditions} --out PRED")


def _method(name: str | None, settings: list[str] | None, weights: list[str] | None) -> "Method | None":
    """The method, looked up before anything else is done, with what is said of it."""
    from kinebench.cli.run import pairs, places
    from kinebench.errors import KineBenchError
    from kinebench.methods import method as methods
    from kinebench.methods import runner

    if name is None:
        if settings or weights:
            raise KineBenchError("--set and --weights are for a method: name it with --method")
        return None
    found = methods.find(name)
    if found.privileged:
        raise KineBenchError(f"{found.name} looks at the ground truth, and a photo has none; take another method")
    runner.accepted(found, pairs("--set", settings), places(weights))
    return found


def _view(camera: str | None, photo: "Photo") -> "View | None":
    from kinebench.photo.camera import default_view, read_view

    if camera is None:
        return default_view()
    return None if camera == NO_CAMERA else read_view(Path(camera), photo)


def _shapes(photo: "Photo", arrows: list[str], masks: list[Path], boxes: list[str]) -> list["Mask"]:
    """The mask of each arrow's object: given, found in its box, or found under its tail. Raises KineBenchError."""
    from kinebench.errors import KineBenchError
    from kinebench.photo.arrow import numbers, parse
    from kinebench.photo.mask import box_on, boxed, found
    from kinebench.photo.picture import open_mask

    if masks and boxes:
        raise KineBenchError("give --mask or --box, one of the two, once for each --arrow")
    for option, given in (("--mask", masks), ("--box", boxes)):
        if given and len(given) != len(arrows):
            raise KineBenchError(
                f"{len(arrows)} --arrow and {len(given)} {option}: give one {option} for each arrow, or none"
            )
    parsed = [parse(text, photo) for text in arrows]
    if masks:
        return [open_mask(path, photo) for path in masks]
    if boxes:
        return [boxed(photo, box_on(numbers(text, "--box"), photo, f"--box {text}"), f"--box {text}") for text in boxes]
    return [found(photo, each.tail_px, f"--arrow {text}") for each, text in zip(parsed, arrows, strict=True)]


def _objects(
    photo: "Photo", arrows: list[str], shapes: list["Mask"], others: list[Path], speeds: list[float], names: list[str]
) -> tuple[tuple["Driven", ...], tuple["Standing", ...]]:
    """Driven and standing objects. Raises KineBenchError if the numbers of options do not fit."""
    from kinebench.errors import KineBenchError
    from kinebench.photo.animate import Driven, Standing
    from kinebench.photo.arrow import parse
    from kinebench.photo.picture import open_mask

    count = len(arrows)
    if speeds and len(speeds) not in (1, count):
        raise KineBenchError(f"{count} --arrow and {len(speeds)} --speed: give one for all arrows, or one for each")
    if names and len(names) != count + len(others):
        raise KineBenchError(
            f"{count + len(others)} objects and {len(names)} --name: name all, those with arrows first"
        )
    parsed = [parse(text, photo) for text in arrows]
    quick: list[float | None] = [*(speeds * count if len(speeds) == 1 else speeds)] or [None] * count
    called = names or [""] * (count + len(others))
    driven = tuple(
        Driven(f"--arrow {text}", shape, each, fast, call)
        for text, shape, each, fast, call in zip(arrows, shapes, parsed, quick, called, strict=False)
    )
    standing = tuple(
        Standing(f"--other-mask {path}", open_mask(path, photo), call)
        for path, call in zip(others, called[count:], strict=True)
    )
    return driven, standing


def _finder() -> str:
    """What finds masks here, in words."""
    from kinebench.photo.mask import finder

    size = finder()
    better = "a --box does better, and so does SAM2: kinebench weights fetch sam2.1-hiera-large"
    return f"SAM2 ({size})" if size else f"GrabCut; {better}"


def _said(velocity_mps: tuple[float, float, float] | None) -> str:
    """A velocity in words."""
    import math

    if velocity_mps is None:
        return "along its arrow; nothing is known in metres"
    from kinebench.photo.camera import v_max_mps

    x, y, _ = velocity_mps
    side, depth = "right" if x >= 0 else "left", "away from the camera" if y >= 0 else "towards the camera"
    text = f"{math.hypot(x, y):.2f} m/s: {abs(x):.2f} to the {side}, {abs(y):.2f} {depth}"
    return text + (f"; velocity masks are full at {v_max_mps():g}" if math.hypot(x, y) > v_max_mps() else "")


def _run(
    method: "Method",
    laid: "Laid",
    out: Path,
    seed: int,
    device: str,
    settings: list[str] | None,
    weights: list[str] | None,
) -> None:
    """Make the clip, and leave an mp4 of it; exits with 3 if there is none."""
    from kinebench.cli.run import made, pairs, places
    from kinebench.photo.clip import playable
    from kinebench.shards.files import disk_room, write_atomic

    source, folder = laid.source, out / method.name
    outcome = made(method, source, [seed], folder, pairs("--set", settings), places(weights), device)
    for failed in outcome.failed:
        typer.echo(f"no clip: {failed.kind}: {failed.message}")
    if outcome.failed:
        raise typer.Exit(INCOMPLETE)
    (key,) = source.keys
    target = out / f"{key}-{method.name}-{seed}.mp4"
    data = playable(folder, key, seed, source[key].frames, source[key].fps)
    with disk_room("writing the clip", out, len(data)):
        write_atomic(target, data)
    typer.echo(f"clip: {target}; exact: {folder / f'seed-{seed}' / f'{key}.mkv'}")
