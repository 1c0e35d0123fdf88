"""The template that `sam local` runs: the built one, each function's environment spelled out.

`sam local` sets only variables that a template declares, and knows no ids of what is really there.
A variable of the shell wins over the template's (a developer's own AWS_ACCESS_KEY_ID among them);
only a file for `--env-vars` wins over both, so the same values stand in one.
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
    variables = {
        each.logical_id: {**each.environment, **further(each.logical_id)}
        for each in template.functions()
    }
    for logical_id, values in variables.items():
        source["Resources"][logical_id]["Properties"]["Environment"] = {"Variables": values}
    for resource in source["Resources"].values():
        properties = resource.get("Properties", {})
        for name in {"CodeUri", "ContentUri"} & properties.keys():
            properties[name] = str(built.parent.resolve() / properties[name])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(source, indent=1), encoding="utf-8")
    env_vars_of(target).write_text(json.dumps(variables, indent=1), encoding="utf-8")


def env_vars_of(target: Path) -> Path:
    """Return where the file for `--env-vars` lies, beside the template that it belongs to."""
    return target.with_name(f"{target.stem}-env.json")


def own_credentials(deployment: str, function: str) -> dict[str, str]:
    """Return credentials by which the guard in front of the services knows the function."""
    return {
        "AWS_ACCESS_KEY_ID": function_key(deployment, function),
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
    }
