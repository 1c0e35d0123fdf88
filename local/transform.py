"""Reads a SAM template and transforms it as CloudFormation would."""

import copy
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.account import API_ID, STACK_NAME, isolated_session
from local.intrinsics import Intrinsics

# SAM wants code in S3; the local folders are noted before a placeholder takes their place.
_FUNCTION, _LAYER = "AWS::Serverless::Function", "AWS::Serverless::LayerVersion"
_CODE = {_FUNCTION: "CodeUri", _LAYER: "ContentUri"}


@dataclass(frozen=True, slots=True)
class Transformed:
    """A CloudFormation document, and what SAM loses on the way to it: where the code lies."""

    document: Mapping[str, Any]
    intrinsics: Intrinsics
    functions: Mapping[str, Path]
    """Logical id → folder."""
    layers: tuple[Path, ...]


def transform(path: Path, parameters: Mapping[str, str], region: str) -> Transformed:
    """Read and transform a SAM template; parameters that it does not declare are ignored."""
    # Imported late: it takes most of a second, in which other processes start.
    from samtranslator.yaml_helper import yaml_parse

    source, root = yaml_parse(path.read_text(encoding="utf-8")), path.resolve().parent
    values = _parameter_values(source, parameters)
    document = _translate(source, values, region)
    return Transformed(
        document=document,
        intrinsics=_intrinsics(document, values, region),
        functions={name: root / folder for name, folder in _code(source, _FUNCTION)},
        layers=tuple(root / folder for _, folder in _code(source, _LAYER)),
    )


def _code(source: Mapping[str, Any], kind: str) -> Iterator[tuple[str, str]]:
    """Yield logical id and local folder of each function, or each layer."""
    inherited = source.get("Globals", {}).get("Function", {}).get("CodeUri")
    for logical_id, resource in source["Resources"].items():
        if resource["Type"] == kind:
            yield logical_id, resource["Properties"].get(_CODE[kind], inherited)


def _parameter_values(source: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, declared in source.get("Parameters", {}).items():
        text = str(given.get(name, declared.get("Default", "")))
        listed = declared["Type"].startswith(("CommaDelimitedList", "List<"))
        values[name] = [part.strip() for part in text.split(",")] if listed else text
    return values


def _translate(source: dict[str, Any], values: dict[str, Any], region: str) -> dict[str, Any]:
    import boto3
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator

    # It warns, when it is let go, that its own usage metrics were not published.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    document = copy.deepcopy(source)
    for resource in document["Resources"].values():
        if name := _CODE.get(resource["Type"]):
            resource["Properties"][name] = "s3://local/code"
    session = boto3.Session(region_name=region, botocore_session=isolated_session())
    translator = Translator({}, Parser(), boto_session=session)
    translated: dict[str, Any] = translator.translate(document, parameter_values=dict(values))
    return translated


def _intrinsics(document: dict[str, Any], values: dict[str, Any], region: str) -> Intrinsics:
    types = {name: resource["Type"] for name, resource in document["Resources"].items()}
    return Intrinsics(
        parameters=values,
        conditions=document.get("Conditions", {}),
        mappings=document.get("Mappings", {}),
        types=types,
        region=region,
        stack_name=STACK_NAME,
        physical_ids={name: API_ID for name, kind in types.items() if kind.endswith("V2::Api")},
    )
