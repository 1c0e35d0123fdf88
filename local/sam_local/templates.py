"""The template that `sam local` runs: the built one, each function's environment spelled out.

`sam local` sets only variables that a template declares, and knows no ids of what is really there.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from local.account import function_key
from local.template import Template

type Environment = Callable[[str], Mapping[str, str]]
"""Returns further variables of a function, by its logical id."""


def write_template(built: Path, template: Template, further: Environment, target: Path) -> None:
    """Write `built` anew, with the environments that `template` resolves to, and more."""
    # Imported late, as in local.transform: it takes most of a second.
    from samtranslator.yaml_helper import yaml_parse

    source: dict[str, Any] = yaml_parse(built.read_text(encoding="utf-8"))
    source["Globals"]["Function"].pop("Environment")
    for function in template.functions():
        properties = source["Resources"][function.logical_id]["Properties"]
        variables = {**function.environment, **further(function.logical_id)}
        properties["Environment"] = {"Variables": variables}
    for resource in source["Resources"].values():
        properties = resource.get("Properties", {})
        for name in {"CodeUri", "ContentUri"} & properties.keys():
            properties[name] = str(built.parent.resolve() / properties[name])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(source, indent=1), encoding="utf-8")


def own_credentials(deployment: str, function: str) -> dict[str, str]:
    """Return credentials by which the guard in front of the services knows the function."""
    return {
        "AWS_ACCESS_KEY_ID": function_key(deployment, function),
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
    }
