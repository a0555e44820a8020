"""What the command line really has, read from its own help; and what a text says about it that is not so."""
import dataclasses
import json
import re
import subprocess
from pathlib import Path

ACTIONS = re.compile(r"^ +action ([a-z]+(?:\|[a-z]+)+)", re.MULTILINE)
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*|-[a-z])(?![\w-])")
SPAN = re.compile(r"`([^`]+)`")
# What the answers name of other programs: curl, installer/quickstart and install.sh, systemctl, hearth-tray, editrc(5), hearth-plugin-check
FOREIGN_OPTIONS = {"--unix-socket", "-d", "--prefix", "--uninstall", "--purge", "--user", "--global", "--now", "--once", "-v", "--no-load"}


@dataclasses.dataclass
class Facts:
    commands: dict[str, set[str]]  # options of each command of `hearth`
    daemon: set[str]  # options of `hearthd`
    actions: dict[str, set[str]] = dataclasses.field(default_factory=dict)  # of commands whose first word is one of a few: `hearth config get`

    @property
    def all_options(self) -> set[str]:
        return set().union(*self.commands.values(), self.daemon)


def help_text(*command) -> str:
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, timeout=60).stdout


def read_facts(programs: Path) -> Facts:
    """@param programs  the folder of `hearth` and `hearthd`"""
    hearth = programs / "hearth"
    names = [row["name"] for row in json.loads(help_text(hearth, "help", "--json"))["commands"]]
    helps = {name: help_text(hearth, "help", name) for name in names}
    commands = {name: set(OPTION.findall(text)) for name, text in helps.items()}
    commands["ls"] = commands["list"]
    actions = {name: set(found[1].split("|")) for name, text in helps.items() if (found := ACTIONS.search(text))}
    return Facts(commands, set(OPTION.findall(help_text(programs / "hearthd", "--help"))), actions)


def wrong_in_span(span: str, facts: Facts) -> list[str]:
    """Of one piece of code: `hearth pull MODEL --as NAME`."""
    words = span.split()
    if words[0] not in ("hearth", "hearthd") or len(words) == 1:
        allowed = facts.all_options | FOREIGN_OPTIONS
        return [option for option in OPTION.findall(span) if option not in allowed]
    if words[0] == "hearthd":
        return [f"hearthd {option}" for option in OPTION.findall(span) if option not in facts.daemon]
    command = words[1]
    if not re.fullmatch(r"[a-z-]+", command):  # `hearth COMMAND`, `hearth --version`
        return []
    if command not in facts.commands:
        return [f"hearth {command}"]
    if command in facts.actions and len(words) > 2 and re.fullmatch(r"[a-z]+", words[2]) and words[2] not in facts.actions[command]:
        return [f"hearth {command} {words[2]}"]
    unquoted = re.sub(r'"[^"]*"|\$\([^)]*\)', "", span)
    return [f"hearth {command} {option}" for option in OPTION.findall(unquoted) if option not in facts.commands[command]]


def inventions(text: str, facts: Facts) -> list[str]:
    """Commands and options that a text names and that do not exist."""
    wrong = []
    for span in SPAN.findall(text):
        for part in re.split(r"\$\(|\||&&|;", span):
            if part.strip():
                wrong += wrong_in_span(part.strip().rstrip(")"), facts)
    outside = SPAN.sub(" ", text)
    wrong += [f"hearth {word}" for word in re.findall(r"(?<![\w./-])hearth ([a-z]+)", outside) if word not in facts.commands]
    allowed = facts.all_options | FOREIGN_OPTIONS
    return wrong + [option for option in OPTION.findall(outside) if option.startswith("--") and option not in allowed]
