"""A control branch on an unmodified transformer: hooks that come and go."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor, nn

Branch = Callable[..., tuple[Tensor, ...]]


@contextlib.contextmanager
def attached(transformer: nn.Module, control: Branch, masks: Tensor, weight: float = 0.5) -> Iterator[None]:
    """In the block, each forward of the transformer runs the branch on the same arguments and adds what it says.

    `masks` are (B, F, 3, H, W) in [-1, 1]. `control` is a branch, or one that is wrapped for training on many devices.
    What is added to the tokens after block i is `weight` times the branch's residual i; text is left alone. Pipelines
    of diffusers run as they are.
    """
    blocks = transformer.transformer_blocks if hasattr(transformer, "transformer_blocks") else transformer.blocks
    now: list[tuple[Tensor, ...]] = []

    def listen(_: nn.Module, positional: tuple[Any, ...], named: dict[str, Any]) -> None:
        if positional:
            raise TypeError("call the transformer with named arguments: the control branch reads them by name")
        now[:] = [control(masks, **{name: value for name, value in named.items() if name != "return_dict"})]

    def speak(place: int) -> Callable[..., Any]:
        def add(_: nn.Module, __: Any, output: Any) -> Any:
            residuals = now[0]
            if place >= len(residuals):
                return output
            if isinstance(output, tuple):
                return (output[0] + weight * residuals[place].to(output[0].dtype), *output[1:])
            return output + weight * residuals[place].to(output.dtype)

        return add

    with contextlib.ExitStack() as stack:
        stack.callback(transformer.register_forward_pre_hook(listen, with_kwargs=True).remove)
        for place, block in enumerate(blocks):  # type: ignore[arg-type]
            stack.callback(block.register_forward_hook(speak(place)).remove)
        yield
