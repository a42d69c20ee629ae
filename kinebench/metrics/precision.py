"""How networks compute: alike on every device, and whatever the program around them has set."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kinebench.errors import require

torch: Any = require("torch", "networks")


@contextmanager
def running(device: str, bfloat16: bool = False) -> Iterator[None]:
    """`steady`, without gradients. With `bfloat16`, in bfloat16 where torch's autocast thinks it safe."""
    with (
        steady(),
        torch.inference_mode(),
        torch.autocast(torch.device(device).type, torch.bfloat16, enabled=bfloat16),
    ):
        yield


@contextmanager
def steady() -> Iterator[None]:
    """No choice among algorithms by speed, and float32 that is no TensorFloat-32."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
