"""The functions: code, layer, environment, logs, and what sets them off."""

import re
from typing import Any

import pytest

from benchmarks import costs
from broker.flows.refresh_scheduler.budget import IN_FLIGHT
from broker.settings import Settings
from tests.unit.transformed import ROOT, TEMPLATE, chosen, functions, of_type, source, transformed

LOCAL_ONLY = "BROKER_LOCAL_ORIGINS"
FOLDERS = {
    "AuthorizeFunction": "authorize",
    "CallbackFunction": "callback",
    "McpInvokeFunction": "mcp_invoke",
    "ConnectionsFunction": "connections",
    "ServersFunction": "servers",
    "ProbeFunction": "probe",
    "RefreshSchedulerFunction": "refresh_scheduler",
    "RefreshWorkerFunction": "refresh_worker",
}
PLATFORMS = {"arm64": "aarch64-manylinux2014", "x86_64": "x86_64-manylinux2014"}
TIMEOUTS = {"RefreshSchedulerFunction": 55, "RefreshWorkerFunction": 30}
VARIABLES = {
    "SERVERS_TABLE": {"Ref": "ServersTable"},
    "SERVER_STATE_TABLE": {"Ref": "ServerStateTable"},
    "CONNECTIONS_TABLE": {"Ref": "ConnectionsTable"},
    "PENDING_TABLE": {"Ref": "PendingTable"},
    "TOOLS_TABLE": {"Ref": "ToolsTable"},
    "SESSIONS_TABLE": {"Ref": "SessionsTable"},
    "MCP_ISSUER": {"Ref": "McpIssuer"},
    "KMS_KEY_ID": {"Fn::GetAtt": ["VaultKey", "Arn"]},
    "SIGNING_KEY_ID": "",
    "DUE_QUEUE_URL": {"Ref": "DueQueue"},
    "RESCUE_QUEUE_URL": {"Ref": "RescueQueue"},
    "EVENT_BUS_NAME": {"Fn::GetAtt": ["EventBus", "Name"]},
    "CHAT_NAME": {"Ref": "ChatName"},
    "CHAT_LOGO_URL": {"Ref": "ChatLogoUrl"},
    "ALLOWED_RETURN_URLS": {"Fn::Join": [",", {"Ref": "AllowedReturnUrls"}]},
    "DEFAULT_RETURN_URL": {"Ref": "DefaultReturnUrl"},
    "SESSION_BINDING": {"Ref": "SessionBinding"},
    "PUBLIC_BASE_URL": "",
    "REFRESH_BUFFER_SECONDS": {"Ref": "RefreshBufferSeconds"},
    "KEEP_WARM_HOURS": {"Ref": "KeepWarmHours"},
    "REFRESHES_PER_SECOND": {"Ref": "RefreshesPerSecond"},
    "WORKER_CONCURRENCY": {"Ref": "WorkerConcurrency"},
    "POWERTOOLS_SERVICE_NAME": "broker",
    "POWERTOOLS_METRICS_NAMESPACE": {"Fn::Sub": "ConsumerOAuthBroker/${AWS::StackName}"},
    "LOG_LEVEL": "INFO",
}


REFERRING = {
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Permission",
}
"""Where FunctionName says whose this is, and names nothing."""


def _environment(name: str) -> dict[str, Any]:
    variables: dict[str, Any] = functions()[name]["Environment"]["Variables"]
    return variables


def _layer() -> tuple[str, dict[str, Any]]:
    [(name, layer)] = of_type("AWS::Lambda::LayerVersion").items()
    return name, layer


@pytest.mark.parametrize("name", FOLDERS)
def test_each_function_has_its_folder_and_its_handler(name: str) -> None:
    written = source()["Resources"][name]["Properties"]
    assert written["CodeUri"] == f"functions/{FOLDERS[name]}/"
    assert functions()[name]["Handler"] == "app.lambda_handler"
    app = ROOT / "functions" / FOLDERS[name] / "app.py"
    assert "def lambda_handler(" in app.read_text(encoding="utf-8")


def test_there_is_no_function_without_a_folder_and_no_folder_without_a_function() -> None:
    assert functions().keys() == FOLDERS.keys()
    folders = {app.parent.name for app in (ROOT / "functions").glob("*/app.py")}
    assert folders == set(FOLDERS.values())


@pytest.mark.parametrize("name", FOLDERS)
def test_a_function_ends_before_whoever_waits_for_it_gives_up(name: str) -> None:
    assert functions()[name]["Timeout"] == TIMEOUTS.get(name, 29)


def test_functions_layer_and_the_layers_build_agree_on_the_architecture_and_the_runtime() -> None:
    written = source()["Resources"]["CommonLayer"]
    assert written["Metadata"] == {"BuildMethod": "makefile", "BuildArchitecture": "arm64"}
    name, layer = _layer()
    assert layer["CompatibleArchitectures"] == ["arm64"]
    assert layer["CompatibleRuntimes"] == ["python3.13"]
    for function in functions().values():
        assert function["Architectures"] == ["arm64"]
        assert function["Runtime"] == "python3.13"
        assert function["Layers"] == [{"Ref": name}]
    recipe = (ROOT / "layers" / "common" / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r"^LAYER_ARCHITECTURE \?= (\S+)$", recipe, re.MULTILINE) == ["arm64"]
    assert dict(re.findall(r"^PLATFORM_(\w+) := (\S+)$", recipe, re.MULTILINE)) == PLATFORMS
    assert re.findall(r"^RUNTIME := (\S+)$", recipe, re.MULTILINE) == ["3.13"]
    assert "build-CommonLayer:" in recipe


def test_what_is_shipped_is_locked_once_and_in_the_layer_alone() -> None:
    lock = (ROOT / "requirements" / "runtime.txt").read_bytes()
    assert (ROOT / "layers" / "common" / "requirements.txt").read_bytes() == lock
    assert not list((ROOT / "functions").glob("*/requirements.txt"))


@pytest.mark.parametrize("name", FOLDERS)
def test_every_function_gets_the_same_variables_and_no_others(name: str) -> None:
    assert chosen(_environment(name), {}) == VARIABLES


def test_the_settings_read_every_variable_that_the_template_sets_for_them() -> None:
    read = {field.upper() for field in Settings.model_fields}
    assert read - {LOCAL_ONLY} == VARIABLES.keys()


def test_the_public_url_is_the_parameter_else_the_custom_domain_else_left_to_the_request() -> None:
    written = _environment("AuthorizeFunction")["PUBLIC_BASE_URL"]
    domain = {"HasCustomDomain": True}
    assert chosen(written, domain | {"HasPublicBaseUrl": True}) == {"Ref": "PublicBaseUrl"}
    assert chosen(written, domain) == {"Fn::Sub": "https://${CustomDomainName}"}
    assert chosen(written, {}) == ""


def test_nobody_can_make_a_deployed_function_talk_plain_http() -> None:
    """No text, parameter or macro of the template can set the variable that allows it."""
    for file in (TEMPLATE, ROOT / "samconfig.toml"):
        assert LOCAL_ONLY not in file.read_text(encoding="utf-8")
    assert source()["Transform"] == "AWS::Serverless-2016-10-31"
    assert "Fn::Transform" not in str(source())
    for name in functions():
        assert all(isinstance(variable, str) for variable in _environment(name))
        assert LOCAL_ONLY not in _environment(name)


def test_powertools_is_never_told_to_log_events() -> None:
    for name in functions():
        assert "POWERTOOLS_LOGGER_LOG_EVENT" not in _environment(name)


def test_every_log_is_declared_and_kept_as_long_as_was_asked_for() -> None:
    groups = of_type("AWS::Logs::LogGroup")
    assert len(groups) == len(functions()) + 1
    names = [group["LogGroupName"]["Fn::Sub"] for group in groups.values()]
    assert len(names) == len(set(names))
    for group in groups.values():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    for name, folder in FOLDERS.items():
        named = groups[name.removesuffix("Function") + "LogGroup"]["LogGroupName"]
        assert named == {"Fn::Sub": f"/aws/lambda/${{AWS::StackName}}/{folder}"}


def test_the_scheduler_runs_each_minute_and_a_missed_tick_is_not_repeated() -> None:
    [schedule] = of_type("AWS::Scheduler::Schedule").values()
    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    target = schedule["Target"]
    assert target["Arn"] == {"Fn::GetAtt": ["RefreshSchedulerFunction", "Arn"]}
    assert target["RetryPolicy"]["MaximumRetryAttempts"] == 0
    # The schedule invokes without waiting, and what fails then Lambda itself would repeat twice.
    [invoked] = of_type("AWS::Lambda::EventInvokeConfig").values()
    assert invoked["FunctionName"] == {"Ref": "RefreshSchedulerFunction"}
    assert invoked["MaximumRetryAttempts"] == 0


def test_the_scheduler_knows_how_many_the_workers_handle_at_once() -> None:
    """It fills the queue by this."""
    mappings = of_type("AWS::Lambda::EventSourceMapping").values()
    queue = {"Fn::GetAtt": ["DueQueue", "Arn"]}
    [due] = [mapping for mapping in mappings if mapping["EventSourceArn"] == queue]
    assert due["BatchSize"] == IN_FLIGHT
    assert due["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "WorkerConcurrency"}}
    parameter = transformed()["Parameters"]["WorkerConcurrency"]
    field = Settings.model_fields["worker_concurrency"]
    assert str(field.default) == parameter["Default"]


def test_the_scheduler_has_the_memory_that_its_costs_stand_on() -> None:
    assert functions()["RefreshSchedulerFunction"]["MemorySize"] == costs.SCHEDULER_GB * 1024
    others = {each["MemorySize"] for name, each in functions().items() if "Scheduler" not in name}
    assert others == {costs.MEMORY_GB * 1024}


def test_two_stacks_in_one_account_do_not_share_a_name() -> None:
    """A name given outright must carry the stack's; SAM names a schedule after its logical id."""
    for resource in transformed()["Resources"].values():
        properties = resource.get("Properties", {})
        given = {key for key in properties if key in {"Name", "AliasName", "LogGroupName"}}
        given |= {key for key in properties if key in {"FunctionName", "RoleName", "TableName"}}
        if resource["Type"] in REFERRING:
            given -= {"FunctionName"}
        for key in given:
            assert "AWS::StackName" in str(properties[key]), resource["Type"]


@pytest.mark.parametrize(
    ("queue", "batch", "concurrency"),
    [("DueQueue", 5, {"Ref": "WorkerConcurrency"}), ("RescueQueue", 1, 2)],
)
def test_the_worker_takes_bounded_batches_and_reports_what_failed(
    queue: str, batch: int, concurrency: object
) -> None:
    mappings = of_type("AWS::Lambda::EventSourceMapping").values()
    arn = {"Fn::GetAtt": [queue, "Arn"]}
    [found] = [mapping for mapping in mappings if mapping["EventSourceArn"] == arn]
    assert found == {
        "EventSourceArn": arn,
        "FunctionName": {"Ref": "RefreshWorkerFunction"},
        "BatchSize": batch,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": concurrency},
    }
    assert len(mappings) == 2
