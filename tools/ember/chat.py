"""How a conversation becomes the text that Ember reads: once as the Jinja template in the model file, once in Python for training.

The template makes questions alike that mean the same: letters are small, marks of punctuation go, blanks are single. It keeps the last question
and the one before it with its answer; system texts are left out. `plain` does the same in Python; tests compare the two through the engine.
"""
END, USER, EMBER = "<|end|>", "<|user|>", "<|ember|>"
SPECIAL_TOKENS = [END, USER, EMBER]

# What is replaced, in this order, after the letters were made small.
REPLACED = [("\n", " "), ("\t", " "), ("\u2026", "..."), *((mark, "") for mark in "?!,;()'\"`\u2018\u2019\u201c\u201d"), ("  ", " "), ("  ", " ")]
KEPT_MESSAGES = 3
ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def plain(question: str) -> str:
    """A question as the model sees it. ASCII letters alone are made small, as the engine does it."""
    text = question.translate(ASCII_LOWER)
    for old, new in REPLACED:
        text = text.replace(old, new)
    return text.strip(" .")


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("'", "\\'") + "'"


def template() -> str:
    replaced = "".join(f"|replace({_literal(old)},{_literal(new)})" for old, new in REPLACED)
    return (
        # llama.cpp puts a system text that a template never looks at before the first question; this one looks, and leaves it out.
        "{%- for message in messages -%}{%- set length = message.content|length -%}{%- endfor -%}"
        "{%- set kept = messages|rejectattr('role','equalto','system')|list -%}"
        f"{{%- for message in kept[-{KEPT_MESSAGES}:] -%}}"
        "{%- if message.role == 'assistant' -%}"
        f"{{{{- '{EMBER}' + message.content + '{END}' -}}}}"
        "{%- else -%}"
        f"{{%- set text = message.content|lower{replaced} -%}}"
        f"{{{{- '{USER} ' + text.strip(' .') -}}}}"
        "{%- endif -%}"
        "{%- endfor -%}"
        f"{{%- if add_generation_prompt -%}}{{{{- '{EMBER}' -}}}}{{%- endif -%}}"
    )


def prompt(messages: list[tuple[str, str]]) -> str:
    """The text of (role, content) pairs, ready for the next answer: what the template makes of them."""
    kept = [message for message in messages if message[0] != "system"][-KEPT_MESSAGES:]
    parts = [f"{EMBER}{content}{END}" if role == "assistant" else f"{USER} {plain(content)}" for role, content in kept]
    return "".join(parts) + EMBER
