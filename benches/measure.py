"""What the benchmarks share: interleaved samples, medians, one JSON line."""
import json
import os
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("HEARTH_BIN_DIR", str(ROOT / "build/release/bin"))
sys.path.insert(0, str(ROOT / "tests/e2e"))
sys.dont_write_bytecode = True

PAIRS = int(os.environ.get("HEARTH_BENCH_PAIRS", "7"))


def interleave(ours, theirs, pairs=PAIRS):
    """Samples of both, a pair at a time and each first in turn, so that a busy minute hurts both alike.

    @return ([ours], [theirs]), whatever the two functions return
    """
    first, second = [], []
    for number in range(pairs):
        if number % 2 == 0:
            first.append(ours())
            second.append(theirs())
        else:
            second.append(theirs())
            first.append(ours())
    return first, second


def median(samples):
    return statistics.median(samples)


def rounded(value):
    return None if value is None else float(f"{value:.4g}")


def report(bench, hearth, peer, unit, samples, passed, **more):
    """Prints the line of one benchmark. @return the exit code"""
    ratio = hearth / peer if peer else None
    line = {"bench": bench, "hearth": rounded(hearth), "peer": rounded(peer), "ratio": rounded(ratio), "unit": unit, "samples": samples,
            "pass": bool(passed)} | more
    print(json.dumps(line), flush=True)
    return 0 if passed else 1
