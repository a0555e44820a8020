"""Tokenizers without a corpus: words of syllables, such as " tolu" and " kanemi", with the merges that build them."""
import dataclasses
import itertools
import math

from gguf import INT32, STRING, Value, array, flag, text, uint

NORMAL, UNKNOWN, CONTROL, UNUSED = 1, 2, 3, 5

CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)

# Tools in the form of Hermes and Qwen; thoughts begin where the answer would, unless they are switched off.
TOOLS_TEMPLATE = r"""{%- if tools %}
    {{- '<|im_start|>system\n# Tools\n\nYou may call functions. Their signatures are within <tools></tools> tags:\n<tools>' }}
    {%- for tool in tools %}
        {{- '\n' }}{{- tool | tojson }}
    {%- endfor %}
    {{- '\n</tools>\n\nFor each call give a JSON object within <tool_call></tool_call> tags:\n<tool_call>\n' }}
    {{- '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call><|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'tool' %}
        {{- '<|im_start|>user\n<tool_response>\n' + message.content + '\n</tool_response><|im_end|>\n' }}
    {%- elif message.role == 'assistant' %}
        {{- '<|im_start|>assistant\n' }}
        {%- if message.reasoning_content %}
            {{- '<think>\n' + message.reasoning_content + '\n</think>\n\n' }}
        {%- endif %}
        {%- if message.content %}
            {{- message.content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and message.content) or (not loop.first) %}
                    {{- '\n' }}
                {%- endif %}
                {%- if tool_call.function %}
                    {%- set tool_call = tool_call.function %}
                {%- endif %}
                {{- '<tool_call>\n{"name": "' }}
                {{- tool_call.name }}
                {{- '", "arguments": ' }}
                {%- if tool_call.arguments is string %}
                    {{- tool_call.arguments }}
                {%- else %}
                    {{- tool_call.arguments | tojson }}
                {%- endif %}
                {{- '}\n</tool_call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|im_end|>\n' }}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n<think>\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '\n</think>\n\n' }}
    {%- endif %}
{%- endif %}
"""
CHAT_TEMPLATES = {"plain": CHAT_TEMPLATE, "tools": TOOLS_TEMPLATE}
CHAT_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def byte_symbols() -> list[str]:
    """GPT-2's printable character for each byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = itertools.count(256)
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


@dataclasses.dataclass
class Vocabulary:
    tokens: list[str]
    types: list[int]
    merges: list[str]
    silent: set[int]  # never to be generated: control tokens, bytes that are no text by themselves

    def metadata(self, pre_tokenizer: str = "qwen2") -> dict[str, Value]:
        end = self.tokens.index("<|im_end|>")
        return {
            "tokenizer.ggml.model": text("gpt2"),
            "tokenizer.ggml.pre": text(pre_tokenizer),
            "tokenizer.ggml.tokens": array(STRING, self.tokens),
            "tokenizer.ggml.token_type": array(INT32, self.types),
            "tokenizer.ggml.merges": array(STRING, self.merges),
            "tokenizer.ggml.bos_token_id": uint(self.tokens.index("<|endoftext|>")),
            "tokenizer.ggml.eos_token_id": uint(end),
            "tokenizer.ggml.padding_token_id": uint(self.tokens.index("<|endoftext|>")),
            "tokenizer.ggml.add_bos_token": flag(False),
            "tokenizer.chat_template": text(CHAT_TEMPLATE),
        }


def syllables() -> list[tuple[str, str]]:
    return list(itertools.product("bcdfghjklmnprstvwyzx", "aeiou"))


def words(pieces: list[str], starts: list[str]):
    """(left, right) pairs of ever longer words, in an order that mixes their first letters."""
    level = starts
    while True:
        count = len(level) * len(pieces)
        stride = 618_033_989 % count | 1
        while math.gcd(stride, count) != 1:
            stride += 2
        longer = []
        for index in range(count):
            left, right = divmod(index * stride % count, len(pieces))
            longer.append(level[left] + pieces[right])
            yield level[left], pieces[right]
        level = longer


def byte_pair_vocabulary(size: int, normal: int) -> Vocabulary:
    """`normal` ordinary tokens, then the chat's, then unused ones up to `size`."""
    symbols = byte_symbols()
    space = symbols[ord(" ")]
    tokens, merges = list(symbols), []
    known = set(tokens)

    def merge(left: str, right: str) -> None:
        if len(tokens) < normal and left + right not in known:
            tokens.append(left + right)
            known.add(left + right)
            merges.append(f"{left} {right}")

    for consonant, vowel in syllables():
        merge(consonant, vowel)
    pieces = [consonant + vowel for consonant, vowel in syllables()]
    for piece in pieces:
        merge(space, piece)
    for left, right in words(pieces, [space + piece for piece in pieces]):
        if len(tokens) >= normal:
            break
        merge(left, right)
    silent = {byte for byte in range(256) if not (32 <= byte < 127 or byte == ord("\n"))}
    types = [NORMAL] * normal
    tokens += CHAT_TOKENS
    types += [CONTROL] * len(CHAT_TOKENS)
    while len(tokens) < size:
        tokens.append(f"[unused{len(tokens)}]")
        types.append(UNUSED)
    silent |= set(range(normal, size))
    return Vocabulary(tokens, types, merges, silent)


def word_piece_metadata(size: int) -> tuple[int, dict[str, Value]]:
    """A BERT vocabulary: whole words with a leading mark, letters and syllables that continue one without it."""
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    types = [CONTROL, UNKNOWN, CONTROL, CONTROL, CONTROL]
    letters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    pieces = [consonant + vowel for consonant, vowel in syllables()]
    marked = ["\u2581" + piece for piece in letters + pieces]
    tokens += marked + letters + pieces
    longer = (left + right for left, right in words(pieces, marked[len(letters) :]))
    while len(tokens) < size:
        tokens.append(next(longer))
    types += [NORMAL] * (len(tokens) - len(types))
    return len(tokens), {
        "tokenizer.ggml.model": text("bert"),
        "tokenizer.ggml.pre": text("jina-v2-en"),
        "tokenizer.ggml.token_type_count": uint(2),
        "tokenizer.ggml.tokens": array(STRING, tokens),
        "tokenizer.ggml.token_type": array(INT32, types),
        "tokenizer.ggml.bos_token_id": uint(2),
        "tokenizer.ggml.cls_token_id": uint(2),
        "tokenizer.ggml.eos_token_id": uint(3),
        "tokenizer.ggml.seperator_token_id": uint(3),  # sic
        "tokenizer.ggml.unknown_token_id": uint(1),
        "tokenizer.ggml.padding_token_id": uint(0),
        "tokenizer.ggml.mask_token_id": uint(4),
    }
