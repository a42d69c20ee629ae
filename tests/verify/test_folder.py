import copy
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kinebench.errors import KineBenchError
from kinebench.shards import index, manifest, staging
from kinebench.shards.read import Shards
from kinebench.shards.stock import Stock
from kinebench.verify.folder import verify


def facts(report, subject):
    return [fault.fact for fault in report.faults if fault.subject == subject]


def flip(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 0x10
    path.write_bytes(data)


def test_a_sound_folder(dataset):
    seen = []
    report = verify(dataset, progress=lambda stage, done, whole: seen.append((stage, done, whole)))
    assert (report.folder, report.files, report.samples, report.decoded) == (dataset, 10, 8, 8)
    assert report.faults == ()
    assert report.sound
    assert {stage for stage, _, _ in seen} == {"files", "samples"}
    assert all(done <= whole for _, done, whole in seen)


def test_a_sample_decodes_some_but_hashes_all(dataset):
    place = Shards(dataset).rows["toys_train_000001"].members["mp4"]
    flip(dataset / place.shard, place.offset + 50)
    report = verify(dataset, sample=2)
    assert (report.samples, report.decoded) == (8, 2)
    assert facts(report, "toys_train_000001") == [
        "mp4 is damaged: its bytes in toys-train-000000.tar have another sha256"
    ]


@pytest.mark.parametrize("suffix", ["mp4", "velocity.mkv", "segmentation.mkv", "txt", "json", "rgb.mkv"])
def test_a_flipped_byte_names_file_sample_and_member(dataset, suffix):
    place = Shards(dataset).rows["toys_test_000001"].members[suffix]
    flip(dataset / place.shard, place.offset + place.size // 2)
    report = verify(dataset)
    assert any("sha256" in fact for fact in facts(report, place.shard))
    assert facts(report, "toys_test_000001") == [f"{suffix} is damaged: its bytes in {place.shard} have another sha256"]
    assert {fault.subject for fault in report.faults} == {place.shard, "toys_test_000001"}


def test_a_flipped_header_names_the_place(dataset):
    place = Shards(dataset).rows["toys_train_000001"].members["txt"]
    flip(dataset / place.shard, place.offset - 512 + 130)
    report = verify(dataset)
    assert any(f"bad header at byte {place.offset - 512}" in fact for fact in facts(report, place.shard))


def test_a_flipped_padding_byte_is_seen(dataset):
    place = Shards(dataset).rows["toys_train_000001"].members["txt"]
    flip(dataset / place.shard, place.offset + 500)
    assert {fault.subject for fault in verify(dataset).faults} == {"toys-train-000000.tar"}


def test_a_truncated_tar_names_file_and_samples(dataset):
    place = Shards(dataset).rows["toys_train_000003"].members["mp4"]
    path = dataset / "toys-train-000001.tar"
    path.write_bytes(path.read_bytes()[: place.offset + 10])
    report = verify(dataset)
    assert any(fact.startswith("cut short") for fact in facts(report, path.name))
    [fact] = facts(report, "toys_train_000003")
    assert fact.startswith(f"is cut short in {path.name}: mp4 at 10 of {place.size} bytes, velocity.mkv at 0 of")
    assert facts(report, "toys_train_000002") == []


@pytest.mark.parametrize("name", ["toys-train-000001.tar", "toys-test-lossless-000000.tar", "croissant.json"])
def test_a_missing_file_is_named_once(dataset, name):
    (dataset / name).unlink()
    report = verify(dataset)
    assert facts(report, name)[0] == "is missing"
    assert facts(report, name).count("is missing") == 1


def test_a_stray_tar_is_named(dataset):
    (dataset / "toys-train-000009.tar").write_bytes((dataset / "toys-train-000000.tar").read_bytes())
    assert facts(verify(dataset), "toys-train-000009.tar") == ["is no shard of this dataset"]


@pytest.mark.parametrize("name", ["manifest.json", "index.jsonl"])
def test_a_damaged_description_is_named(dataset, name):
    (dataset / name).write_bytes((dataset / name).read_bytes()[:-200])
    report = verify(dataset)
    assert not report.sound
    assert {fault.subject for fault in report.faults} == {name}


def test_an_index_that_leads_outside_is_refused(dataset):
    line = json.loads((dataset / index.NAME).read_text().splitlines()[0])
    line["shard"] = "../secret.tar"
    (dataset / index.NAME).write_text(json.dumps(line))
    assert any("no place in a tar beside the index" in fault.fact for fault in verify(dataset).faults)


def test_an_index_of_other_places_or_counts_is_named(dataset):
    lines = (dataset / index.NAME).read_text().splitlines()
    first = json.loads(lines[0])
    first["members"]["txt"]["offset"] += 512
    lines[0] = json.dumps(first)
    (dataset / index.NAME).write_text("\n".join([*lines[:-1], lines[1]]))
    report = verify(dataset)
    assert "has 4 samples of split train, the manifest 5" in facts(report, index.NAME)
    assert "is in the index twice" in facts(report, "toys_test_000001")
    assert any("toys_test_000000.txt at byte" in fact for fact in facts(report, "toys-test-000000.tar"))
    assert any("holds toys_train_000004.mp4" in fact for fact in facts(report, "toys-train-000002.tar"))


def test_wrong_sums_are_named(dataset):
    path = dataset / manifest.SUMS
    path.write_text(path.read_text().replace("toys-test-000000.tar", "toys-test-000009.tar"))
    report = verify(dataset)
    assert "does not list toys-test-000000.tar" in facts(report, manifest.SUMS)
    assert "is missing" in facts(report, "toys-test-000009.tar")


def test_every_file_that_the_sums_list_is_hashed(dataset):
    note, sums = dataset / "NOTE", dataset / "SHA256SUMS"
    note.write_text("a file that publish may add")
    sums.write_text(sums.read_text() + f"{hashlib.sha256(note.read_bytes()).hexdigest()}  NOTE\n")
    assert verify(dataset).sound
    note.write_text("changed")
    assert any(fact.startswith("sha256 is") for fact in facts(verify(dataset), "NOTE"))


def test_sums_that_lead_outside_are_refused(dataset):
    sums = dataset / "SHA256SUMS"
    sums.write_text(sums.read_text() + f"{'0' * 64}  ../elsewhere\n")
    assert any("not a file beside it" in fact for fact in facts(verify(dataset), "SHA256SUMS"))


def test_an_interrupted_pack_is_named(dataset):
    (dataset / staging.FOLDER).mkdir()
    (dataset / staging.FOLDER / "commit.json").write_text('{"replace": [], "remove": []}')
    assert "interrupted" in verify(dataset).faults[0].fact


def test_no_dataset_at_all(tmp_path):
    with pytest.raises(KineBenchError, match="no packed dataset"):
        verify(tmp_path / "nowhere")


def test_samples_of_another_recipe_are_a_fault(dataset, synthetic):
    path = dataset / manifest.NAME
    path.write_text(path.read_text().replace(synthetic.HASH, "b" * 64))
    report = verify(dataset)
    assert all(len(facts(report, key)) == 1 for key in Shards(dataset).rows)
    assert f"recipe_sha256 {synthetic.HASH}" in facts(report, "toys_train_000000")[0]


def test_a_recipe_of_another_hash_is_named(dataset, synthetic):
    path = dataset / manifest.NAME
    path.write_text(path.read_text().replace('"v_max_mps": 1.5', '"v_max_mps": 1.6'))
    fact = f"recipe_sha256 {synthetic.HASH[:12]}... is not the hash of the recipe"
    assert fact in facts(verify(dataset), manifest.NAME)


def test_a_recipe_that_cannot_be_read_is_named(dataset):
    path = dataset / manifest.NAME
    path.write_text(path.read_text().replace('"min_gap_m"', '"least_gap_m"'))
    assert any("least_gap_m" in fact for fact in facts(verify(dataset), manifest.NAME))


@pytest.mark.parametrize(
    ("old", "new", "fact"),
    [
        ('"yellow": "#e6c81e"', '"red": "#e6c81e"', "splits.test.colours: red also in train"),
        ('"yellow": "#e6c81e"', '"yellow": "#C81E28"', "the colour of rgb #c81e28 to splits train and test"),
        ('"moss_a"', '"planks_b"', "planks_b"),
        ('"moss_a"', '"wood_planks_01"', "the family of grounds wood_planks to splits train and test"),
    ],
)
def test_a_recipe_with_a_colour_or_family_in_two_splits_is_named(dataset, old, new, fact):
    path = dataset / manifest.NAME
    text = path.read_text().replace(old, new)
    path.write_text(text.replace('"planks_a"', '"wood_planks_02"') if "wood" in new else text)
    assert any(fact in found for found in facts(verify(dataset), manifest.NAME))


def test_contact_in_simple_motion_is_a_fault(tmp_path, synthetic, make):
    samples = [synthetic.sample("train", i, contact=i == 1, rule="forbidden") for i in range(2)]
    make(tmp_path, samples, contact="forbidden")
    report = verify(tmp_path)
    assert {fault.subject for fault in report.faults} == {samples[1].key}
    assert "objects 1 and 2 touch at" in report.faults[0].fact
    assert "the recipe forbids contact" in report.faults[0].fact


def test_sound_simple_motion_is_sound(tmp_path, synthetic, make):
    make(tmp_path, [synthetic.sample("train", i, rule="forbidden") for i in range(3)], contact="forbidden")
    assert verify(tmp_path).faults == ()


@pytest.mark.parametrize(("index", "words"), [(1, "nothing is struck"), (0, "where a near miss is wanted")])
def test_the_share_of_interactions_is_exact(tmp_path, synthetic, make, index, words):
    """A clip that should strike and does not, and one that should not and does."""
    sample = synthetic.sample("train", index, contact=index == 0)
    make(tmp_path, [sample])
    [fault] = verify(tmp_path).faults
    assert fault.subject == sample.key
    assert words in fault.fact


def test_the_same_clip_twice_is_a_fault(tmp_path, samples, synthetic, make):
    make(tmp_path, [samples[1], synthetic.change(samples[2], mp4=samples[1].members["mp4"])])
    report = verify(tmp_path)
    assert f"its clip is the same as that of {samples[1].key}" in facts(report, samples[2].key)
    assert {fault.subject for fault in report.faults} == {samples[2].key}


def test_the_same_scene_twice_is_a_fault(tmp_path, samples, synthetic, make):
    record = copy.deepcopy(samples[1].record)
    for name in ("key", "index"):
        record[name] = samples[2].record[name]
    make(tmp_path, [samples[1], synthetic.change(samples[2], json=record, txt=samples[1].members["txt"])])
    fact = f"its scene is the same as that of {samples[1].key}: camera, light, ground and objects"
    assert fact in facts(verify(tmp_path), samples[2].key)


@pytest.mark.parametrize("what", ["ground", "colour", "rgb"])
def test_what_two_splits_share_is_a_fault(tmp_path, samples, synthetic, make, what):
    record, other = copy.deepcopy(samples[-1].record), samples[0].record
    if what == "ground":
        record["ground"]["texture"] = shared = other["ground"]["texture"]
    else:
        record["objects"][2][what] = other["objects"][2][what]
        shared = str(other["objects"][2][what])
    make(tmp_path, [samples[0], synthetic.change(samples[-1], json=record)])
    assert f"its {what} {shared} is also in split test" in facts(verify(tmp_path), samples[0].key)


def broken(folder, samples, synthetic, make):
    """A folder with one fault in each of three samples."""
    records = [copy.deepcopy(sample.record) for sample in samples[1:4]]
    for record in records:
        record["objects"][2]["mass_kg"] = 3.0
    make(folder, [synthetic.change(s, json=r) for s, r in zip(samples[1:4], records, strict=True)])


def test_faults_are_told_at_once_and_in_order(tmp_path, samples, synthetic, make):
    broken(tmp_path, samples, synthetic, make)
    log = []
    report = verify(tmp_path, progress=lambda *stage: log.append(stage), found=lambda fault: log.append(fault.subject))
    assert [entry for entry in log if isinstance(entry, str)] == [fault.subject for fault in report.faults]
    assert log.index("toys_train_000001") < log.index(("samples", 1, 3)) < log.index("toys_train_000002")


@pytest.mark.slow
def test_the_report_does_not_depend_on_the_number_of_workers(tmp_path, samples, synthetic, make):
    broken(tmp_path, samples, synthetic, make)
    one, many = verify(tmp_path), verify(tmp_path, workers=3)
    assert one == many
    assert len(one.faults) == 3


@pytest.mark.slow
def test_an_interrupt_ends_it_and_its_workers(tmp_path, synthetic, make):
    make(tmp_path, [synthetic.sample("train", i) for i in range(60)], samples_per_shard=60)
    process = subprocess.Popen(
        [sys.executable, "-m", "kinebench.cli.main", "verify", str(tmp_path), "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while process.poll() is None and len(workers_of(process.pid)) < 2:
        time.sleep(0.05)
    workers = workers_of(process.pid)
    assert workers
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted; " in output
    assert "Traceback" not in output
    until = time.monotonic() + 10  # the last of them ends when it sees that its parent is gone
    while alive(workers) and time.monotonic() < until:
        time.sleep(0.05)
    assert alive(workers) == []


def workers_of(pid):
    """The processes that a process started and has not buried."""
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


def alive(pids):
    """Those that run; one that nobody buries does not."""
    states = {pid: Path(f"/proc/{pid}/stat") for pid in pids}
    return [
        pid for pid, path in states.items() if path.exists() and path.read_text().rpartition(")")[2].split()[0] != "Z"
    ]


def test_stock_and_verify_agree_on_what_is_damaged(dataset, synthetic):
    place = Shards(dataset).rows["toys_train_000001"].members["segmentation.mkv"]
    flip(dataset / place.shard, place.offset + 9)
    stock = Stock(dataset, synthetic.HASH)
    with pytest.warns(UserWarning, match="segmentation.mkv of toys_train_000001"):
        damaged = {key for key in stock.rows if not stock.has(key, ["mp4"])}
    assert damaged == {fault.subject for fault in verify(dataset).faults} - {place.shard}
