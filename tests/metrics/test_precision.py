"""Networks compute alike whatever the program around them has set, and leave its settings as they were."""

import pytest
import torch

from kinebench.metrics.precision import running


def test_settings_hold_inside_and_return():
    torch.set_float32_matmul_precision("medium")
    try:
        before = torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic
        with pytest.raises(RuntimeError, match="enough"), running("cpu"):
            assert torch.get_float32_matmul_precision() == "highest"
            assert not torch.backends.cudnn.allow_tf32
            assert torch.is_inference_mode_enabled()
            raise RuntimeError("enough")
        assert torch.get_float32_matmul_precision() == "medium"
        assert (torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic) == before
    finally:
        torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("bfloat16", [False, True])
def test_products_are_in_the_precision_asked_for(bfloat16):
    ones = torch.ones(2, 2)
    with running("cpu", bfloat16):
        assert (ones @ ones).dtype == (torch.bfloat16 if bfloat16 else torch.float32)
