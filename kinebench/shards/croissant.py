"""croissant.json: the dataset described in Croissant 1.1 (JSON-LD) with the responsible-AI fields."""

import json
from typing import Any

from kinebench.hidden import KEY_DIGITS, is_hidden
from kinebench.publish.datasheet import BIASES, PERSONAL, SOCIAL_IMPACT, USES, limitations
from kinebench.publish.licence import PAPER, URL
from kinebench.shards.columns import MEANINGS, suffixes
from kinebench.shards.manifest import Manifest, Shard
from kinebench.shards.sample import COMPANIONS

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
    "prov": "http://www.w3.org/ns/prov#",
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
_FORMATS = {"mp4": "video/mp4", "mkv": "video/x-matroska", "txt": "text/plain", "json": "application/json"}


def croissant(manifest: Manifest) -> bytes:
    """The file: one FileObject a tar, one FileSet and one RecordSet a member."""
    recipe = manifest.recipe["dataset"]
    names = suffixes(manifest)
    plain = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": manifest.dataset,
        "description": recipe["description"].strip(),
        "license": URL,
        "version": recipe["version"],
        "creator": {"@type": "sc:Organization", "name": "The KineBench authors"},
        "keywords": ["physics", "rigid bodies", "synthetic", "video generation"],
        "citeAs": f"The KineBench authors: {recipe['title']} {recipe['version']}, recipe sha256 "
        f"{manifest.recipe_sha256}, seed {manifest.seed}. After: {PAPER} (KineMask)",
        "isLiveDataset": False,
        **_responsible_ai(manifest),
        "distribution": [*map(_file_object, manifest.all_shards), *(_file_set(manifest, name) for name in names)],
        "recordSet": [_splits(manifest), *(_record_set(name, is_hidden(manifest.recipe)) for name in names)],
    }
    return json.dumps(plain, indent=2, ensure_ascii=False).encode() + b"\n"


def _responsible_ai(manifest: Manifest) -> dict[str, Any]:
    made = (
        f"Simulated with Bullet and rendered with Blender Cycles by KineBench {manifest.kinebench}, recipe sha256 "
        f"{manifest.recipe_sha256}, seed {manifest.seed}."
    )
    return {
        "rai:hasSyntheticData": True,
        "rai:dataCollection": made,
        "rai:dataAnnotationProtocol": "None by hand: masks, contacts and captions are computed from the simulation.",
        "rai:dataUseCases": USES,
        "rai:dataLimitations": limitations(),
        "rai:dataBiases": BIASES,
        "rai:dataSocialImpact": SOCIAL_IMPACT,
        "rai:personalSensitiveInformation": PERSONAL,
        "prov:wasGeneratedBy": made,
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
        "description": MEANINGS[suffix],
        "encodingFormat": _FORMATS[suffix.rsplit(".", 1)[-1]],
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


def _record_set(suffix: str, hidden: bool) -> dict[str, Any]:
    name = f"samples-{suffix}"
    files = {"@id": f"files-{suffix}"}
    rest = rf"(?:_[0-9a-f]{{{KEY_DIGITS}}}\..*)?$" if hidden else r"(?:_\d{6}\..*)?"
    split = rf"(?:.*_)?([a-z][a-z0-9]*){rest}"  # also of "train" itself: mlcroissant applies it twice
    fields = {
        "key": ("sc:Text", {"extract": {"fileProperty": "fullpath"}, "transform": {"regex": r"(?:.*/)?([^/.]+)\..*"}}),
        "split": ("sc:Text", {"extract": {"fileProperty": "filename"}, "transform": {"regex": split}}),
        suffix: (_TYPES.get(suffix.rsplit(".", 1)[-1], "sc:VideoObject"), {"extract": {"fileProperty": "content"}}),
    }
    described = [
        _field(f"{name}/{field}", kind, {"fileSet": files, **source}) for field, (kind, source) in fields.items()
    ]
    described[1]["references"] = {"field": {"@id": "splits/name"}}
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "key": {"@id": f"{name}/key"}, "field": described}


def _field(name: str, kind: str, source: dict[str, Any]) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": name, "name": name, "dataType": kind, "source": source}
