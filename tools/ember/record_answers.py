#!/usr/bin/env python3
"""Records what the self-test expects: asks the running service, keeps the questions that are there.

    record_answers.py --model ember-new          writes models/ember/ember.known.json

The service must see that file: HEARTH_MODELS=models/ember. Choose questions whose best token is far ahead of the second at every step.
"""
import argparse
import http.client
import json
import sys
from pathlib import Path

from evaluate import UnixConnection, default_socket

KNOWN = Path(__file__).resolve().parents[2] / "models/ember/ember.known.json"
KEPT_TOKENS = 10  # of the likeliest after each text; the self-test looks among twenty


def recorded(connection: http.client.HTTPConnection, model: str) -> dict:
    connection.request("POST", "/hearth/v1/selftest", json.dumps({"model": model, "record": True}), {"Content-Type": "application/json"})
    answer = json.load(connection.getresponse())
    if "error" in answer:
        raise SystemExit(f"record_answers: {answer['error']}")
    return answer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="ember")
    parser.add_argument("--socket", default=default_socket())
    parser.add_argument("--output", type=Path, default=KNOWN)
    arguments = parser.parse_args()
    known = recorded(UnixConnection(arguments.socket), arguments.model)
    for text in known["texts"]:
        text["logprobs"] = [{"token": row["token"], "logprob": round(row["logprob"], 5)} for row in text["logprobs"][:KEPT_TOKENS]]
    arguments.output.write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n")
    print(f"{arguments.output}: {len(known['chats'])} answers, {len(known['texts'])} texts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
