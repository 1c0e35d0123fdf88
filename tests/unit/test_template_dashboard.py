"""The dashboard: readable, and of metrics that are emitted."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from broker.metrics import CATALOGUE
from tests.unit.transformed import of_type, transformed
from tests.unit.watched import KNOWN, OURS, Watched, alarms, check_emitted, refers_to


@dataclass(frozen=True, slots=True)
class Search:
    """What a SEARCH looks for."""

    names: tuple[str, ...]
    metric: str


def dashboard() -> dict[str, Any]:
    [found] = of_type("AWS::CloudWatch::Dashboard").values()
    body: dict[str, Any] = json.loads(found["DashboardBody"]["Fn::Sub"])
    return body


def graphs() -> list[dict[str, Any]]:
    return [w["properties"] for w in dashboard()["widgets"] if w["type"] == "metric"]


def drawn() -> Iterator[Watched]:
    for graph in graphs():
        for metric in graph["metrics"]:
            namespace, *rest = metric
            if isinstance(namespace, str):
                words = [word for word in rest if isinstance(word, str)]
                yield namespace, words[0], dict(zip(words[1::2], words[2::2], strict=True))


def searched() -> Iterator[Search]:
    pattern = r"SEARCH\('\{\"(.+)\",([\w,]+)\} MetricName=\"(\w+)\"', 'Sum', 300\)"
    for graph in graphs():
        for metric in graph["metrics"]:
            if isinstance(metric[0], dict) and "SEARCH" in metric[0]["expression"]:
                found = re.fullmatch(pattern, metric[0]["expression"])
                assert found
                assert found[1] == OURS
                yield Search(tuple(found[2].split(",")), found[3])


def test_the_dashboard_is_named_by_stack_and_region() -> None:
    [found] = of_type("AWS::CloudWatch::Dashboard").values()
    assert found["DashboardName"] == {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}


def test_the_dashboard_draws_what_is_emitted() -> None:
    found = list(drawn())
    assert len(found) > 60
    for what in found:
        check_emitted(what)


def test_the_dashboard_searches_for_whole_sets_of_dimensions() -> None:
    found = list(searched())
    assert [search.metric for search in found] == ["Invoke", "Refresh", "Transition"]
    for search in found:
        assert search.names == KNOWN[search.metric].dimension_sets[-1]


def test_every_reference_of_the_dashboard_is_a_resource_of_the_stack() -> None:
    named = refers_to(json.dumps(dashboard())) - {"AWS"}
    assert named <= transformed()["Resources"].keys()


def test_the_dashboard_shows_every_alarm() -> None:
    [shown] = [w["properties"] for w in dashboard()["widgets"] if w["type"] == "alarm"]
    assert {text: refers_to(text) for text in shown["alarms"]} == {
        f"${{{name}.Arn}}": {name} for name in alarms()
    }


def test_the_dashboard_has_a_row_for_each_question() -> None:
    words = [w["properties"]["markdown"] for w in dashboard()["widgets"] if w["type"] == "text"]
    assert words[0].startswith("# ${AWS::StackName}\n")
    assert [word.removeprefix("## ") for word in words[1:]] == [
        "Calls",
        "What a call waits for",
        "Refresh",
        "Connections",
        "Queues",
        "Functions",
    ]


def test_each_part_is_shown_at_the_middle_and_at_both_tails() -> None:
    parts = {m.name for m in CATALOGUE if m.name.endswith("Latency")}
    shown: dict[str, list[str]] = {}
    for graph in graphs():
        for metric in graph["metrics"]:
            if metric[0] == OURS and metric[1] in parts:
                shown.setdefault(metric[1], []).append(metric[-1]["stat"])
    assert shown == {part: ["p50", "p95", "p99"] for part in parts}


def test_widgets_stand_beside_each_other_and_not_upon() -> None:
    taken: set[tuple[int, int]] = set()
    for widget in dashboard()["widgets"]:
        place = {
            (widget["x"] + across, widget["y"] + down)
            for across in range(widget["width"])
            for down in range(widget["height"])
        }
        assert taken.isdisjoint(place)
        assert widget["x"] + widget["width"] <= 24
        taken |= place


def test_every_graph_has_a_title_and_stays_in_its_region() -> None:
    titles = [graph["title"] for graph in graphs()]
    assert len(set(titles)) == len(titles)
    assert {graph["region"] for graph in graphs()} == {"${AWS::Region}"}
