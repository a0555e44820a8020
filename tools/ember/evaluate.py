#!/usr/bin/env python3
"""Asks Ember the held-back questions through the API, at temperature 0, and counts what is right.

    evaluate.py --model ember tests/ember/QUESTIONS.json ...

A file is a list of {"question": …, "accept": [["key", "key"], ["key"]], "topic": "on" | "off"}. An answer is right when all keys of one list are in
it, in any case of letters; to a question off the topic, when it says that it only knows Hearth. Commands and options that do not exist are counted,
wherever they are. Prints one JSON object; the exit code is 0 whatever the score.
"""
import argparse
import http.client
import json
import os
import socket
import sys
from pathlib import Path

from cli_facts import inventions, read_facts

REFUSALS = ("only know hearth", "know hearth and nothing else", "only about hearth", "only hearth")
LONGEST_ANSWER_TOKENS = 200


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str):
        super().__init__("localhost", timeout=120)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def default_socket() -> str:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = os.environ.get("HEARTH_RUNTIME") or (f"{runtime}/hearth" if runtime else f"{Path.home()}/.local/state/hearth/run")
    return os.environ.get("HEARTH_SOCKET") or f"{folder}/api.sock"


def ask(connection: UnixConnection, model: str, question: str) -> str:
    body = {"model": model, "messages": [{"role": "user", "content": question}], "stream": False,
            "options": {"temperature": 0, "num_predict": LONGEST_ANSWER_TOKENS}}
    connection.request("POST", "/api/chat", json.dumps(body), {"Content-Type": "application/json"})
    answer = json.load(connection.getresponse())
    if "error" in answer:
        raise SystemExit(f"evaluate: {answer['error']}")
    return answer["message"]["content"]


def is_right(row: dict, answer: str) -> bool:
    text = answer.lower()
    if row["topic"] == "off":
        return any(refusal in text for refusal in REFUSALS)
    return any(all(key.lower() in text for key in keys) for keys in row["accept"])


def count(rows: list[dict]) -> dict:
    return {topic: {"questions": len(own), "right": sum(row["right"] for row in own)}
            for topic in ("on", "off") if (own := [row for row in rows if row["topic"] == topic])}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path, nargs="+")
    parser.add_argument("--model", default="ember")
    parser.add_argument("--socket", default=default_socket())
    parser.add_argument("--programs", type=Path, required=True, help="folder of hearth and hearthd, which say what exists")
    parser.add_argument("--answers", action="store_true", help="also print every question with its answer; whoever works on the corpus must not")
    arguments = parser.parse_args()
    facts, connection = read_facts(arguments.programs), UnixConnection(arguments.socket)
    rows = []
    for path in arguments.questions:
        for row in json.loads(path.read_text()):
            answer = ask(connection, arguments.model, row["question"])
            rows.append(row | {"answer": answer, "right": is_right(row, answer), "invented": inventions(answer, facts)})
    report = {"version": 1, "model": arguments.model, **count(rows), "invented": [name for row in rows for name in row["invented"]]}
    if arguments.answers:
        report["rows"] = rows
    print(json.dumps(report, ensure_ascii=False, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
