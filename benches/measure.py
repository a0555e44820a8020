"""What the benchmarks share: interleaved samples on a quiet machine, medians, one JSON line.

HEARTH_BENCH_PAIRS     pairs of samples (default: 7)
HEARTH_BENCH_PATIENCE  seconds in all that may be spent on waiting for others to finish and on samples they spoiled (default: 300)
"""
import json
import os
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("HEARTH_BIN_DIR", str(ROOT / "build/release/bin"))
sys.path.insert(0, str(ROOT / "tests/e2e"))
sys.dont_write_bytecode = True

import processes  # noqa: E402  (of tests/e2e)

PAIRS = int(os.environ.get("HEARTH_BENCH_PAIRS", "7"))


FOREIGN_SHARE = 0.1  # of the machine, taken by programs that are not ours: more spoils a sample


class Quiet:
    """Takes samples while nobody else uses the machine, as far as patience goes."""

    def __init__(self):
        self.left = float(os.environ.get("HEARTH_BENCH_PATIENCE", "300"))
        self.spoiled = 0  # samples that were kept although the machine was busy

    def sample(self, work):
        while True:
            self._wait()
            started, before = time.monotonic(), _cpu_seconds()
            value = work()
            took = time.monotonic() - started
            total, ours = (after - earlier for after, earlier in zip(_cpu_seconds(), before))
            busy = (total - ours) / (max(took, 0.05) * os.cpu_count())
            if busy <= FOREIGN_SHARE or took < 0.05:  # the kernel counts in hundredths: short samples cannot be judged
                return value
            if self.left <= 0:
                self.spoiled += 1
                return value
            self.left -= took

    def _wait(self):
        while self.left > 0:
            before = _cpu_seconds()
            time.sleep(0.25)
            total, ours = (after - earlier for after, earlier in zip(_cpu_seconds(), before))
            if (total - ours) / (0.25 * os.cpu_count()) <= FOREIGN_SHARE:
                return
            self.left -= 0.25


def _cpu_seconds():
    """(of all programs, of this one and those it started), so far."""
    tick = os.sysconf("SC_CLK_TCK")
    fields = [int(value) for value in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    ours = sum(os.times()[:4]) * tick
    for pid in processes.descendants(os.getpid()):
        try:
            parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ours += sum(int(value) for value in parts[11:15])
        except OSError:
            pass
    return (sum(fields[:8]) - fields[3] - fields[4]) / tick, ours / tick


quiet = Quiet()


def interleave(ours, theirs, pairs=PAIRS):
    """Samples of both, a pair at a time and each first in turn, so that a busy minute hurts both alike.

    @return ([ours], [theirs]), whatever the two functions return
    """
    first, second = [], []
    for number in range(pairs):
        sides = [(first, ours), (second, theirs)]
        for samples, work in sides if number % 2 == 0 else reversed(sides):
            samples.append(quiet.sample(work))
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
    if quiet.spoiled:
        line["spoiled_samples"] = quiet.spoiled  # taken while other programs were busy
    print(json.dumps(line), flush=True)
    return 0 if passed else 1
