"""The benches, for real, on tiny clips."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from kinebench.bench import render, samples
from kinebench.bench.render import ClipCost, Cost
from kinebench.bench.samples import Setting
from kinebench.cli.bench_tables import picture_costs, projection, render_costs

TINY = str(Path(__file__).parents[1] / "recipes" / "tiny_interactions.toml")


def text(table):
    console = Console(width=120, file=io.StringIO())
    console.print(table)
    return console.file.getvalue()


def cost(dataset, index, full_s, changing_s, device="CPU"):
    kinds = {"search": 1.0, "changing": changing_s, "full": full_s, "finish": 2.0}
    costs = {name: Cost(cpu_s=value, wall_s=value / 10) for name, value in kinds.items()}
    quality = {"psnr_db": 50, "seam_levels": 1, "floor_db": 45}
    return ClipCost(dataset, index, device, cycles_cpu_s=changing_s / 2, **quality, **costs)


@pytest.mark.slow
def test_a_clip_both_ways():
    (measured,) = render.measure((TINY,), 1, 1)
    assert measured.psnr_db > 40
    assert measured.full.cpu_s > measured.changing.cpu_s > measured.cycles_cpu_s > 0
    assert 0 < measured.cycles_share < 1
    assert "seed to encoded members" in text(render_costs([measured]))


def test_hours_are_mean_seconds_times_the_papers_clips():
    costs = [cost("a", 0, 300, 30), cost("a", 1, 500, 50), cost("b", 0, 400, 80), cost("b", 1, 400, 80)]
    table = text(projection(costs))
    a_full, a_ours = (400 + 3) * 10_100 / 3600, (40 + 3) * 10_100 / 3600
    b_full, b_ours = (400 + 3) * 10_100 / 3600, (80 + 3) * 10_100 / 3600
    assert f"{a_full + b_full:,.0f}" in table and f"{a_ours + b_ours:,.0f}" in table
    assert f"{a_full / a_ours:.1f}x" in table and "core-hours" in table and "20,200 clips" in table


def test_on_a_gpu_elapsed_time_counts():
    costs = [cost("a", 0, 300, 30, "OPTIX")]
    assert costs[0].seconds(costs[0].full) == 30
    table = text(projection(costs))
    assert "GPU-hours" in table and f"{33 / 10 * 10_100 / 3600:,.0f}" in table


@pytest.mark.slow
def test_more_samples_are_nearer_to_the_reference():
    settings = (Setting(1, "none"), Setting(16, "none"), Setting(1, "OIDN"))
    (pictures,) = samples.measure((TINY,), 1, 1, settings, reference_samples=64)
    one, sixteen, denoised = pictures
    assert sixteen.psnr_db > one.psnr_db + 6  # a quarter of the noise: 12 dB, less the reference's own
    assert denoised.psnr_db > one.psnr_db
    assert one.ground_db != one.objects_db
    assert "OIDN" in text(picture_costs(pictures))
