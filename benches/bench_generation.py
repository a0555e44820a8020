#!/usr/bin/env python3
"""Tokens per second and time to the first token, against llama-server of the same release: same model, threads, slots and context; and what
four streams at once bring. Usage: bench_generation.py [generation|first_token|batching]   (default: all, a JSON line each)"""
import statistics
import sys
import threading
import time

from measure import PAIRS, interleave, median, report, rounded

import judges
import models
from harness import Service
from unix_http import Client

THREADS, PARALLEL, CONTEXT, TOKENS = 2, 4, 4096, 96
QUESTION = ("Tell me, please, how one should store firewood for the winter, where it dries best, how long that takes, which kinds of wood burn "
            "well in a small stove, and what to look at before the first fire of the year.")
# For batching: what four streams share is the reading of the weights for each token; a prompt is compute-bound and shares nothing on two
# cores, so it is short here.
SHORT_QUESTION, LONG_ANSWER = "How do I store firewood for the winter?", 96
CONFIG = f"[runtime]\nparallel = {PARALLEL}\nthreads = {THREADS}\ncontext = {CONTEXT}\nkeep_alive = \"1h\"\n"


class Target:
    """A chat endpoint and the name of its model."""

    count = 0

    def __init__(self, client, model):
        self.client, self.model = client, model

    def ask(self, tokens=TOKENS, question=QUESTION):
        """One streamed answer. @return [(time, …)] as (start, [time of each token])"""
        Target.count += 1
        body = {"model": self.model, "stream": True, "max_tokens": tokens, "temperature": 0.8, "seed": 5, "ignore_eos": True,
                "messages": [{"role": "user", "content": f"{Target.count}. {question}"}]}  # a new beginning: no prompt cache helps
        started = time.perf_counter()
        times = []
        with self.client.stream("POST", "/v1/chat/completions", body, timeout=300) as stream:
            if stream.status != 200:
                raise SystemExit(f"{self.model}: {stream.status} {stream.response.read()[:500]}")
            for _, event in stream.events():
                if event != "[DONE]" and event.get("choices") and event["choices"][0]["delta"].get("content"):
                    times.append(time.perf_counter())
        if len(times) < tokens // 2:
            raise SystemExit(f"{self.model}: only {len(times)} of {tokens} tokens came")
        return started, times

    def single(self):
        """(tokens per second after the first, seconds to the first)"""
        started, times = self.ask()
        return (len(times) - 1) / (times[-1] - times[0]), times[0] - started

    def together(self, streams):
        """Tokens per second over all streams, from the first request to the last token."""
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.ask(LONG_ANSWER, SHORT_QUESTION))) for _ in range(streams)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(answers) != streams:
            raise SystemExit("a stream failed")
        return sum(len(times) for _, times in answers) / (max(times[-1] for _, times in answers) - min(start for start, _ in answers))


def main():
    wanted = sys.argv[1:] or ["generation", "first_token", "batching"]
    path = models.half_billion()
    service = Service(CONFIG).start()
    code = 0
    try:
        ours = Target(Client(service.socket, timeout=300), service.add_model(path))
        # Our context is one sequence's, llama-server's is shared by its slots: the same cache on both sides.
        with judges.LlamaServer(path, context=CONTEXT * PARALLEL, parallel=PARALLEL, threads=THREADS) as server:
            theirs = Target(server.client, "judge")
            for target in (ours, theirs):
                target.ask(8)  # load and warm up
            if "generation" in wanted or "first_token" in wanted:
                mine, peers = interleave(ours.single, theirs.single)
                rates, waits = [[sample[i] for sample in mine] for i in (0, 1)]
                peer_rates, peer_waits = [[sample[i] for sample in peers] for i in (0, 1)]
                ratio = median(rates) / median(peer_rates)
                code |= report("generation", median(rates), median(peer_rates), "tokens/s", PAIRS, ratio >= 0.95,
                               target="ratio >= 0.95", spread=[rounded(statistics.pstdev(rates)), rounded(statistics.pstdev(peer_rates))])
                first, peer_first = median(waits) * 1000, median(peer_waits) * 1000
                code |= report("first_token", first, peer_first, "ms", PAIRS, first <= max(1.1 * peer_first, peer_first + 5),
                               target="<= 1.1 x or + 5 ms")
            if "batching" in wanted:
                four, one = interleave(lambda: ours.together(4), lambda: ours.together(1))
                judges_four, judges_one = interleave(lambda: theirs.together(4), lambda: theirs.together(1), 3)
                code |= report("batching", median(four), median(one), "tokens/s", PAIRS, median(four) / median(one) >= 1.5,
                               target="4 streams >= 1.5 x one stream; peer is one stream of hearth",
                               judges_ratio=rounded(median(judges_four) / median(judges_one)))
    finally:
        service.destroy()
    return code


if __name__ == "__main__":
    sys.exit(main())
