"""croissant.json: the dataset described in Croissant 1.1 (JSON-LD) with the responsible-AI fields."""

import json
from typing import Any

from kinebench.shards.manifest import Manifest, Shard
from kinebench.shards.sample import COMPANIONS, MEMBERS

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TYPES = {"txt": "sc:Text", "json": "sc:Text"}
_FORMATS = {"mp4": "video/mp4", "txt": "text/plain", "json": "application/json"}


def croissant(manifest: Manifest) -> bytes:
    """The file: one FileObject a tar, one FileSet and one RecordSet a member."""
    recipe = manifest.recipe["dataset"]
    suffixes = [*MEMBERS, *(s for name in _companions(manifest) for s in COMPANIONS[name])]
    plain = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": manifest.dataset,
        "description": recipe["description"].strip(),
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "version": recipe["version"],
        "citeAs": "Learning to Generate Rigid Body Interactions with Video Diffusion Models (KineMask)",
        **_responsible_ai(manifest),
        "distribution": [*map(_file_object, manifest.all_shards), *(_file_set(manifest, s) for s in suffixes)],
        "recordSet": [_splits(manifest), *map(_record_set, suffixes)],
    }
    return json.dumps(plain, indent=2, ensure_ascii=False).encode() + b"\n"


def _companions(manifest: Manifest) -> list[str]:
    return [name for name in COMPANIONS if any(name in split.companions for split in manifest.splits.values())]


def _responsible_ai(manifest: Manifest) -> dict[str, str]:
    return {
        "rai:dataCollection": "Simulated with Bullet and rendered with Blender Cycles by KineBench "
        f"{manifest.kinebench}, recipe sha256 {manifest.recipe_sha256}, seed {manifest.seed}.",
        "rai:dataUseCases": "Training and scoring video models on the motion and collisions of rigid bodies.",
        "rai:dataLimitations": "Boxes and cylinders on a flat textured ground under one sun and a uniform sky, seen by "
        "a camera that stands still. Not fit to judge soft bodies, fluids, stacks or real footage.",
        "rai:dataBiases": "Shapes, sizes, speeds and colours follow the ranges of the recipe, not those of the world.",
        "rai:dataSocialImpact": "None expected beyond that of video generation at large.",
        "rai:personalSensitiveInformation": "None: the scenes are synthetic and show no person.",
    }


def _file_object(shard: Shard) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": shard.name,
        "name": shard.name,
        "contentUrl": shard.name,
        "contentSize": f"{shard.bytes} B",
        "encodingFormat": "application/x-tar",
        "sha256": shard.sha256,
    }


def _file_set(manifest: Manifest, suffix: str) -> dict[str, Any]:
    companion = next((name for name, suffixes in COMPANIONS.items() if suffix in suffixes), None)
    tars = [
        shard
        for split in manifest.splits.values()
        for shard in (split.companions.get(companion, ()) if companion else split.shards)
    ]
    return {
        "@type": "cr:FileSet",
        "@id": f"files-{suffix}",
        "name": f"files-{suffix}",
        "containedIn": [{"@id": shard.name} for shard in tars],
        "encodingFormat": _FORMATS.get(suffix, "video/x-matroska"),
        "includes": f"*.{suffix}",
    }


def _splits(manifest: Manifest) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [{"@type": "cr:Field", "@id": "splits/name", "name": "splits/name", "dataType": "sc:Text"}],
        "data": [{"splits/name": name} for name in manifest.splits],
    }


def _record_set(suffix: str) -> dict[str, Any]:
    name = f"samples-{suffix}"
    files = {"@id": f"files-{suffix}"}
    split = r"(?:.*_)?([a-z][a-z0-9]*)(?:_\d{6}\..*)?"  # also of "train" itself: mlcroissant applies it twice
    fields = {
        "key": ("sc:Text", {"extract": {"fileProperty": "fullpath"}, "transform": {"regex": r"(?:.*/)?([^/.]+)\..*"}}),
        "split": ("sc:Text", {"extract": {"fileProperty": "filename"}, "transform": {"regex": split}}),
        suffix: (_TYPES.get(suffix, "sc:VideoObject"), {"extract": {"fileProperty": "content"}}),
    }
    described = [
        _field(f"{name}/{field}", kind, {"fileSet": files, **source}) for field, (kind, source) in fields.items()
    ]
    described[1]["references"] = {"field": {"@id": "splits/name"}}
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "key": {"@id": f"{name}/key"}, "field": described}


def _field(name: str, kind: str, source: dict[str, Any]) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": name, "name": name, "dataType": kind, "source": source}
