#!/usr/bin/env python3
"""Replays the simulator's traces (tests/simulator/traces.cpp) under Ollama's rule, LRU and ours: reload seconds and the 95th percentile of waits, ours
over the better of the two others. Nothing is measured: virtual time, the same numbers everywhere. The table goes to stderr. Needs a build with
HEARTH_BENCHES (preset bench). Usage: bench_switching.py [--write]   (--write: all numbers into docs/measured/switching.json)"""
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLACES = [path for path in (Path(os.environ.get("HEARTH_BIN_DIR", ROOT / "build/bench/bin")), ROOT / "build/bench/bin") if (path / "switching_bench").exists()]
MOST, MOST_IF_MIXED = 1.05, 0.75


def kept(trace):
    most = MOST_IF_MIXED if trace["mixed"] else MOST
    return trace["reload_ratio"] <= most and trace["p95_ratio"] <= most and trace["ours"]["worst_share_of_bound"] <= 1 and trace["ours"]["unserved"] == 0


def main():
    if not PLACES:
        print("bench_switching: no switching_bench; build the preset 'bench'", file=sys.stderr)
        return 1
    output = subprocess.run([PLACES[0] / "switching_bench"], check=True, stdout=subprocess.PIPE).stdout
    result = json.loads(output)
    traces = result["evaluation"]
    if "--write" in sys.argv[1:]:
        rows = "\n".join(f'  {json.dumps(trace)}{"," if trace is not traces[-1] else ""}' for trace in traces)
        (ROOT / "docs/measured/switching.json").write_text(f'{{"evaluation": [\n{rows}\n]}}\n')
    passed = all(kept(trace) for traces in result.values() for trace in traces)
    print(json.dumps({"bench": "switching", "pass": passed, "target": f"ratio <= {MOST}, mixed traces <= {MOST_IF_MIXED}; reload seconds and p95 wait",
                      "traces": {trace["trace"]: [trace["reload_ratio"], trace["p95_ratio"]] for trace in traces}}), flush=True)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
