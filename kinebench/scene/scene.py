"""What is in a clip before anything moves: bodies, ground, camera, light. World frame, SI units."""

from dataclasses import dataclass
from typing import Literal

from kinebench.scene.camera import Camera

Vector = tuple[float, float, float]
Shape = Literal["cube", "cylinder"]


@dataclass(frozen=True)
class Body:
    """One rigid object. Its rendered mesh and its collision shape have exactly this size.

    A cylinder's axis is its body's z axis; `size_m` is then (diameter, diameter, height).
    """

    shape: Shape
    size_m: Vector  # full extents along the body's axes
    colour: str  # the name that captions use, such as "light blue"
    rgb: Vector  # sRGB in 0..1
    roughness: float
    mass_kg: float
    friction: float  # Coulomb coefficient of this body; a contact's is the product of the two sides
    restitution: float
    position_m: Vector  # centre at time 0
    yaw_rad: float  # turn about the world's z at time 0
    velocity_mps: Vector  # at time 0; zero unless the object is driven

    @property
    def driven(self) -> bool:
        """Whether the object already moves at frame 0."""
        return any(self.velocity_mps)

    @property
    def name(self) -> str:
        """What a caption calls it: "red cube"."""
        return f"{self.colour} {self.shape}"


@dataclass(frozen=True)
class Ground:
    """The plane z = 0 and the texture on it."""

    texture: str  # "family_variant", an id of the texture catalogue
    phrase: str  # how captions name it, with article: "a wooden floor"
    tile_m: float  # edge of one texture tile on the ground
    yaw_rad: float
    offset_m: tuple[float, float]
    friction: float
    restitution: float


@dataclass(frozen=True)
class Light:
    """A sun with a soft disc, and a uniform sky."""

    sun_direction: Vector  # unit vector from the scene towards the sun
    sun_strength: float  # W/m2
    sun_angle_rad: float  # apparent diameter of the disc: the penumbra's width
    sky_rgb: Vector  # linear
    sky_strength: float


@dataclass(frozen=True)
class Variant:
    """What a clip of a counterfactual group has of its own; the rest it shares with the others of its group."""

    group: int
    factor: str  # "speed", "direction", "presence", "mass" or "friction"
    value: float  # m/s, degrees, 0 or 1, kilograms, Coulomb coefficient


@dataclass(frozen=True)
class Scene:
    """A clip's initial state. Object ids are 1..N in the order of `bodies`; 0 is the ground."""

    dataset: str
    split: str
    index: int
    seed: int
    attempt: int
    frames: int
    fps: int
    bodies: tuple[Body, ...]
    ground: Ground
    camera: Camera
    light: Light
    variant: Variant | None = None

    @property
    def driven(self) -> tuple[int, ...]:
        """Ids of the objects that already move at frame 0."""
        return tuple(i for i, body in enumerate(self.bodies, 1) if body.driven)
