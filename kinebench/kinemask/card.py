"""The model card of a control branch, or of a small backbone."""

import json
from collections.abc import Mapping
from typing import Any

_CLASSES = {"cogvideox": "CogVideoXControl", "wan": "WanControl"}
_WHOSE = {"cogvideox": "CogVideoX's", "wan": "Wan's"}
_PLACES = {("backbone", "weights"), ("data", "folder"), ("data", "cache")}
"""Where things lie on the machine that trained: nobody else's business."""


def card(facts: Mapping[str, Any]) -> str:
    """README.md of a model whose trainer.json says `facts`, with the front matter that the Hub reads."""
    return _small(facts) if facts["stage"] == "backbone" else _branch(facts)


def _public(config: Mapping[str, Any]) -> str:
    public = {part: {name: row[name] for name in row if (part, name) not in _PLACES} for part, row in config.items()}
    return json.dumps(public, indent=1)


def _small(facts: Mapping[str, Any]) -> str:
    config, data = facts["config"], facts["dataset"]
    width, height = data["size"]
    return f"""---
library_name: diffusers
pipeline_tag: image-to-video
tags: [kinebench]
---

# A small backbone of KineBench

{_WHOSE[facts["backbone"]["architecture"]]} transformer class at a few million parameters, with an autoencoder that is
fitted to the clips. It makes {data["frames"]} frames of {width}x{height} from the first frame and a caption. Too small
for photographs: it is there so that training and ablations can be done on a CPU.

| | |
|---|---|
| trained | step {facts["step"]} of {config["pretraining"]["steps"]}, seed {facts["seed"]} |
| data | {data["name"]} {data["version"]}, {data["clips"]} clips of the split {config["data"]["split"]} |

## Configuration

```json
{_public(config)}
```
"""


def _branch(facts: Mapping[str, Any]) -> str:
    config, backbone, data = facts["config"], facts["backbone"], facts["dataset"]
    stage, layers = config[facts["stage"]], config["branch"]["layers"]
    module = backbone["architecture"]
    kind = _CLASSES[module]
    base = f"base_model: {backbone['hub']}\n" if backbone["hub"] else ""
    origin = f"{backbone['hub']}, revision {backbone['revision'] or 'unknown'}" if backbone["hub"] else "one of its own"
    return f"""---
library_name: diffusers
{base}pipeline_tag: image-to-video
tags: [kinemask, kinebench, controlnet, velocity-mask]
---

# KineMask, a control branch for {backbone["title"]}

A copy of the backbone's first {layers} blocks that is told by a velocity mask how objects move in the first frame, as
in *Learning to Generate Rigid Body Interactions with Video Diffusion Models*. Trained with KineBench.

| | |
|---|---|
| trained | {facts["stage"]}, step {facts["step"]} of {stage["steps"]}, seed {facts["seed"]} |
| told | masks `{stage["truncation"]}`, captions `{config["data"]["caption"]}` |
| backbone | {origin} |
| data | {data["name"]} {data["version"]}, {data["clips"]} clips of the split {config["data"]["split"]} |
| clips | {data["frames"]} frames of {data["size"][0]}x{data["size"][1]} |
| weight | {config["branch"]["weight"]} |

```python
from kinebench.kinemask.branch.attach import attached
from kinebench.kinemask.branch.{module} import {kind}

control = {kind}.from_pretrained("this folder")
control.adopt(pipeline.transformer)
with attached(pipeline.transformer, control, masks, {config["branch"]["weight"]}):
    video = pipeline(image=image, prompt=prompt, ...)
```

`masks` are (B, F, 3, H, W): velocities in the ground frame over {data["v_max_mps"]} m/s, in [-1, 1], on driven objects;
zero after the first frame at inference. The backbone's licence holds for what is made with it.

## Configuration

```json
{_public(config)}
```
"""
