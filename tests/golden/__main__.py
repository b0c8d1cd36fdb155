"""Write the golden traces that are not there yet: `python -m tests.golden [--footprintjs]`.

What has been written stays: it is how traces of that version will always look. `v1` is of document version 1.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from footpath import Trace, decode_trace, encode_trace
from tests.golden._charts import RUNS

HERE = Path(__file__).parent
V1 = HERE / "v1"
FOOTPRINTJS = HERE / "footprintjs"
OWN_CASES = HERE.parent / "conformance"


def expected(trace: Trace) -> dict[str, Any]:
    """What a trace must say whenever it is read."""
    return {
        "structure": [[hook, msgspec.json.decode(msgspec.json.encode(event))] for hook, event in trace.structure()],
        "events": [[hook, msgspec.json.decode(msgspec.json.encode(event))] for hook, event in trace.events()],
        "narrative": [entry.as_json() for entry in trace.narrative],
        "snapshot": trace.snapshot,
        "finalState": msgspec.json.decode(msgspec.json.encode(trace.final_state())),
    }


def _by_line(said: dict[str, Any]) -> str:
    """JSON with one event or line of the story to a line, for whoever looks at a difference."""
    parts: list[str] = []
    for name, value in said.items():
        items = value if isinstance(value, list) else [value]
        lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)
        parts.append(f'"{name}":[\n{lines}\n]' if isinstance(value, list) else f'"{name}":\n{lines}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> int:
    """Write what is missing; gives 1 when there was nothing to do."""
    written = 0
    V1.mkdir(exist_ok=True)
    for name, runs in RUNS.items():
        for number, trace in enumerate(runs(), 1):
            document = V1 / f"{name}-{number}.trace.json"
            if document.exists():
                continue
            said = expected(decode_trace(encode_trace(trace)))
            document.write_bytes(encode_trace(trace) + b"\n")
            (V1 / f"{name}-{number}.expected.json").write_text(_by_line(said), encoding="utf-8")
            written += 1
    if "--footprintjs" in sys.argv:
        written += _footprintjs()
    print(f"{written} written")
    return 0 if written else 1


def _footprintjs() -> int:
    """Traces of footprintjs's own, made of what it answered to our conformance cases."""
    written = 0
    FOOTPRINTJS.mkdir(exist_ok=True)
    for name in ("decide-filters", "select-rules", "subflow-branches"):
        path = FOOTPRINTJS / f"{name}.json"
        if path.exists():
            continue
        answer = json.loads((OWN_CASES / "expected" / f"{name}.json").read_text(encoding="utf-8"))
        phase = answer["runs"][0]["phases"][0]
        captured = {"spec": answer["build"]["spec"], "snapshot": phase["snapshot"], "narrative": phase["narrative"]}
        path.write_text(json.dumps(captured, ensure_ascii=False) + "\n", encoding="utf-8")
        written += 1
    return written


if __name__ == "__main__":
    sys.exit(main())
