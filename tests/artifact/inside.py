"""A function that tells what its container sees; it stands where the product's functions stand."""

import importlib
import sys
from pathlib import Path
from typing import Any

TEMPLATE = """
Globals: {{Function: {{Runtime: python3.13, Handler: app.lambda_handler, Timeout: 20}}}}
Transform: AWS::Serverless-2016-10-31
Resources:
  Layer: {{Type: AWS::Serverless::LayerVersion, Properties: {{ContentUri: {layer}}}}}
  Look: {{Type: AWS::Serverless::Function, Properties: {{CodeUri: {function}}}}}
"""


def template(folder: Path, layer: Path) -> Path:
    """Write a template of this function upon a layer."""
    function = folder / "look"
    function.mkdir()
    (function / "app.py").write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
    written = folder / "template.yaml"
    written.write_text(TEMPLATE.format(layer=layer, function=function), encoding="utf-8")
    return written


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Import what is asked for; tell versions, files and the path."""
    found: dict[str, Any] = {}
    for name in event["modules"]:
        try:
            module = importlib.import_module(name)
        except ImportError:
            found[name] = None
            continue
        found[name] = {"file": module.__file__, "version": getattr(module, "__version__", None)}
    return {"modules": found, "path": sys.path, "base_prefix": sys.base_prefix}
