"""The other tracers' side of `bench.peers`: runs in an environment of its own, which has them, and prints JSON.

usage: python -m bench._peers <rounds>

Each has the same job: 50 stages that read three scalars and write two, every access recorded with its value, as the
tracer's own documentation does such a thing: a span with an event per access, a subsegment with metadata, a tracked
action, a checkpointed node. They are measured in turns with a captured run of ours, in this one process.
"""

# What is imported here is not in the environment that the types are checked in:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from importlib import import_module
from importlib.metadata import version
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any

from bench import _charts as charts
from bench._turns import in_turns, median_us

if TYPE_CHECKING:
    from collections.abc import Callable

    Job = tuple[Callable[[], Any], Callable[[], int] | None]
    """Does the job once; says how many bytes it sends, where it sends any."""

STAGES = 50
READ, WRITTEN = ("a", "b", "c"), ("x", "y")


def _state() -> dict[str, Any]:
    return {"a": 1, "b": 2, "c": "three", "x": 0, "y": "zero"}


def x_ray() -> tuple[str, Job]:
    """A subsegment a stage, an access as metadata; segments as the daemon is sent them."""
    core = import_module("aws_xray_sdk.core")
    logging.getLogger("aws_xray_sdk").setLevel(logging.CRITICAL)
    sent: list[str] = []

    class Emitter:
        """In place of the daemon's socket."""

        def send_entity(self, entity: Any) -> None:
            sent.append(entity.serialize())

        def set_daemon_address(self, address: Any) -> None:
            """There is none."""

    recorder = core.AWSXRayRecorder()
    recorder.configure(sampling=False, emitter=Emitter(), context_missing="LOG_ERROR")

    def run() -> None:
        sent.clear()
        state = _state()
        recorder.begin_segment("run")
        for number in range(STAGES):
            with recorder.in_subsegment(f"stage-{number}") as subsegment:
                for key in READ:
                    subsegment.put_metadata(f"read.{key}", state[key])
                for key in WRITTEN:
                    state[key] = state["a"]
                    subsegment.put_metadata(f"write.{key}", state[key])
        recorder.end_segment()

    def size() -> int:
        run()
        return sum(map(len, sent))

    return f"X-Ray SDK {version('aws-xray-sdk')}", (run, size)


def open_telemetry() -> tuple[str, Job]:
    """A span a stage, an event an access, and the bytes that an OTLP exporter sends."""
    trace = import_module("opentelemetry.sdk.trace")
    export = import_module("opentelemetry.sdk.trace.export")
    memory = import_module("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    encode = import_module("opentelemetry.exporter.otlp.proto.common.trace_encoder").encode_spans
    exporter = memory.InMemorySpanExporter()
    provider = trace.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("bench")

    def run() -> bytes:
        exporter.clear()
        state = _state()
        with tracer.start_as_current_span("run"):
            for number in range(STAGES):
                with tracer.start_as_current_span(f"stage-{number}") as span:
                    for key in READ:
                        span.add_event("read", {"key": key, "value": state[key]})
                    for key in WRITTEN:
                        state[key] = state["a"]
                        span.add_event("write", {"key": key, "value": state[key]})
        return encode(exporter.get_finished_spans()).SerializeToString()

    return f"OpenTelemetry {version('opentelemetry-sdk')} + OTLP protobuf", (run, lambda: len(run()))


def burr() -> tuple[str, Job]:
    """An action a stage, and the tracker that writes to a local folder."""
    core = import_module("burr.core")
    tracking = import_module("burr.tracking")
    folder = tempfile.TemporaryDirectory()
    numbers = count()

    @core.action(reads=list(READ), writes=list(WRITTEN))
    def stage(state: Any) -> Any:
        return state.update(x=state["a"] + state["b"], y=state["c"])

    names = [f"stage_{number}" for number in range(STAGES)]
    graph = core.GraphBuilder().with_actions(**dict.fromkeys(names, stage)).with_transitions(*pairwise(names)).build()

    def run() -> Any:
        tracker = tracking.LocalTrackingClient(project="bench", storage_dir=folder.name)
        application = (
            core.ApplicationBuilder()
            .with_graph(graph)
            .with_entrypoint(names[0])
            .with_state(**_state())
            .with_identifiers(app_id=f"run-{next(numbers)}")
            .with_tracker(tracker)
            .build()
        )
        application.run(halt_after=[names[-1]])
        return folder  # lives as long as the job does

    return f"Burr {version('apache-burr')}, LocalTrackingClient", (run, None)


def lang_graph() -> tuple[str, Job]:
    """A node a stage, and the checkpointer that keeps every step in memory."""
    graphs = import_module("langgraph.graph")
    saver = import_module("langgraph.checkpoint.memory").MemorySaver
    numbers = count()
    state = {"a": int, "b": int, "c": str, "x": int, "y": str}
    builder = graphs.StateGraph(import_module("typing_extensions").TypedDict("State", state))
    for number in range(STAGES):
        builder.add_node(f"s{number}", lambda held: {"x": held["a"] + held["b"], "y": held["c"]})
        builder.add_edge(f"s{number - 1}" if number else graphs.START, f"s{number}")
    builder.add_edge(f"s{STAGES - 1}", graphs.END)
    compiled = builder.compile(checkpointer=saver())

    def run() -> None:
        compiled.checkpointer = saver()  # one for all would grow with every run
        compiled.invoke(_state(), {"recursion_limit": 1000, "configurable": {"thread_id": str(next(numbers))}})

    return f"LangGraph {version('langgraph')} + MemorySaver", (run, None)


PEERS = {"x-ray": x_ray, "opentelemetry": open_telemetry, "burr": burr, "langgraph": lang_graph}


def main() -> None:
    """Measure, and print what each took and sent; a tracer that is not here is named with its error."""
    os.environ.update(
        AWS_XRAY_SDK_ENABLED="true", AWS_XRAY_CONTEXT_MISSING="LOG_ERROR", LANGSMITH_TRACING="false", BURR_TELEMETRY="0"
    )
    stages = charts.linear(STAGES)
    jobs: dict[str, Callable[[], float]] = {"ours": lambda: median_us(lambda: charts.document_of(stages))}
    names: dict[str, str] = {}
    sizes: dict[str, int] = {}
    missing: dict[str, str] = {}
    for peer, make in PEERS.items():
        try:
            names[peer], (run, size) = make()
            run()
            if size is not None:
                sizes[peer] = size()
        except Exception as error:  # noqa: BLE001  # whatever it is, the others are measured and this one is named
            missing[peer] = f"{type(error).__name__}: {error!s:.200}"
        else:
            jobs[peer] = lambda run=run: median_us(run, least=3)
    measured = in_turns(jobs, int(sys.argv[1]))
    print(json.dumps({"names": names, "measured": measured, "bytes": sizes, "missing": missing}))


if __name__ == "__main__":
    main()
