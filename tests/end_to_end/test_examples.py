"""The files of examples/, run: their values changed to tiny ones, and a stand-in for the scheduler alone."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
LEAST = ROOT / "tests" / "recipes" / "least_simple.toml"
BIN = Path(sys.executable).parent
TINY = {"RECIPE": LEAST, "COUNT": 3, "COMPANIONS": "depth"}


@pytest.mark.parametrize("name", ["slurm.sh", "ray.sh"])
def test_scripts_are_bash(name):
    subprocess.run(["bash", "-n", EXAMPLES / name], check=True)


def edited(name, folder, **values):
    """A copy of a script with other values at its top; every one of them must be there to change."""
    text = (EXAMPLES / name).read_text()
    for key, value in values.items():
        text, changed = re.subn(rf'^{key}=("[^"]*"|\S*)', f"{key}='{value}'", text, flags=re.M)
        assert changed == 1, key
    path = folder / name
    path.write_text(text)
    return path


def stand_in(folder, name, script):
    """A command of this name, found before any other."""
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{script}\n")
    path.chmod(0o755)
    return {**os.environ, "PATH": f"{path.parent}:{BIN}:{os.environ['PATH']}"}


def shell(command, env, **more):
    done = subprocess.run(["sh", "-c", command], env=env | more, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_slurm(tmp_path):
    stand_in(tmp_path, "srun", 'while [[ $1 == --* ]]; do shift; done; exec "$@"')
    env = stand_in(tmp_path, "sbatch", f'printf "%s\\n" "$@" "" >> {tmp_path}/calls; echo "4711;cluster"')
    out = tmp_path / "data"
    subprocess.run(["bash", edited("slurm.sh", tmp_path, **TINY, OUT=out, TASKS=2, CORES=1)], env=env, check=True)
    array, pack = (call.split("\n") for call in (tmp_path / "calls").read_text().strip().split("\n\n"))
    assert "--array=0-1" in array and "--dependency=afterok:4711" in pack
    for task in range(2):
        said = shell(wrapped(array), env, SLURM_ARRAY_TASK_ID=str(task))
        assert f"worker {task} of 2" in said
    assert "are sound" in shell(wrapped(pack), env)
    assert (out / "least-train-depth-000000.tar").exists()


def wrapped(call):
    (command,) = (word.removeprefix("--wrap=") for word in call if word.startswith("--wrap="))
    return command


@pytest.fixture
def objects():
    found = list(yaml.safe_load_all((EXAMPLES / "kubernetes.yaml").read_text()))
    return {(item["kind"], item["metadata"]["name"]): item for item in found}


def container(job):
    (found,) = job["spec"]["template"]["spec"]["containers"]
    return found


def test_kubernetes_values_agree(objects):
    values = objects["ConfigMap", "kinebench"]["data"]
    assert all(isinstance(value, str) for value in values.values()), "a ConfigMap holds strings only"
    render, pack = objects["Job", "kinebench-render"], objects["Job", "kinebench-pack"]
    assert render["spec"]["completionMode"] == "Indexed" and pack["spec"]["suspend"] is True
    assert render["spec"]["completions"] == render["spec"]["parallelism"] == int(values["WORKERS"])
    assert container(render)["resources"]["limits"]["cpu"] == values["CORES"]
    claim = objects["PersistentVolumeClaim", "kinebench"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for job in (render, pack):
        (volume,) = job["spec"]["template"]["spec"]["volumes"]
        (mount,) = container(job)["volumeMounts"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        assert mount["name"] == volume["name"] and values["OUT"].startswith(mount["mountPath"])


@pytest.mark.slow
def test_kubernetes_commands(objects, tmp_path):
    values = objects["ConfigMap", "kinebench"]["data"]
    tiny = {key: str(value) for key, value in (TINY | {"OUT": tmp_path / "data", "WORKERS": 2, "CORES": 1}).items()}
    assert set(tiny) < set(values)
    env = {**os.environ, **values, **tiny, "PATH": f"{BIN}:{os.environ['PATH']}"}
    for index in range(2):
        render = container(objects["Job", "kinebench-render"])
        assert render["command"] == ["sh", "-c"]
        assert f"worker {index} of 2" in shell(*render["args"], env, JOB_COMPLETION_INDEX=str(index))
    assert "are sound" in shell(*container(objects["Job", "kinebench-pack"])["args"], env)


@pytest.mark.slow
def test_ray(tmp_path):
    """Starting nodes is parsed by Ray itself; the dataset is made by a cluster of this machine."""
    from ray.scripts.scripts import start

    log = tmp_path / "calls"
    env = stand_in(
        tmp_path,
        "ssh",
        f"""echo "$@" >> {log}
        case "$2" in *"/ray "*) exit ;; esac
        exec sh -c "$(sed "s/RAY_ADDRESS=[^ ]*//" <<< "$2")" """,
    )
    script = edited("ray.sh", tmp_path, **TINY, OUT=tmp_path / "data", NODES="node1 node2", BIN=BIN)
    done = subprocess.run(["bash", script], env=env, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0 and "are sound" in done.stdout, done.stdout + done.stderr
    calls = [line.split() for line in log.read_text().splitlines()]
    assert [call[0] for call in calls] == ["node0", "node1", "node2", "node0", "node1", "node2", "node0"]
    assert [call[-1] for call in calls[-3:]] == ["stop"] * 3
    for call in calls[:3]:
        start.make_context("start", call[call.index("start") + 1 :])
    assert "RAY_ADDRESS=node0:6379" in calls[3]
