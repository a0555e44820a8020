"""Images for a model that takes them: a Gemma 3 with its encoder, both of random weights, pulled from the Hub's look-alike."""
import base64
import struct
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools/make_probe"), str(ROOT / "tools/make_model"), str(ROOT / "tests/faults")]

import families
import filled
import judges
import recurrent
from harness import HearthTest, needs_llama
from hub import Hub

WIDTH, IMAGE, PATCH = 256, 224, 14
IMAGE_TOKENS = (IMAGE // PATCH // 4) ** 2  # four by four patches are one token
QUESTION = "What is in the picture?"
GREEDY = {"temperature": 0, "num_predict": 24, "seed": 1, "repeat_penalty": 1.0}


def png(pixel, side=64):
    """@param pixel  (x, y) -> (red, green, blue). @return base64"""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(value for x in range(side) for value in pixel(x, y)) for y in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    whole = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return base64.b64encode(whole).decode()


STRIPES = png(lambda x, y: (255, 255, 255) if x // 8 % 2 else (200, 0, 0))
SLOPE = png(lambda x, y: (4 * y, 3 * x, 90))


def write_seeing_model(weights, projector):
    """Two files of random numbers that fit each other."""
    text = families.dense("gemma3", 2, WIDTH, 512, 4, 2, 2048, 2048, head=64, tied=True, head_norms=True, post_norms=True,
                          file_type="Q8_0", attention__sliding_window=512)
    filled.write_filled(text, str(weights))
    filled.write_filled(recurrent.gemma_vision(2, 128, 256, 4, IMAGE, PATCH, WIDTH), str(projector))


def openai_question(image):
    """With the picture before the text, as Ollama's API has it."""
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}
    return {"role": "user", "content": [picture, {"type": "text", "text": QUESTION}]}


@needs_llama
class Images(HearthTest):
    service_config = "[runtime]\nparallel = 1\ncontext = 2048\n"
    model = "hf.co/org/seeing:Q8_0"

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="hearth-images-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.weights, cls.projector = (Path(cls.folder.name) / name for name in ("seeing-Q8_0.gguf", "mmproj-seeing-F16.gguf"))
        write_seeing_model(cls.weights, cls.projector)
        cls.hub = Hub(cls.folder.name)
        cls.addClassCleanup(cls.hub.stop)
        cls.hub.add_repository("org/seeing", {path.name: path for path in (cls.weights, cls.projector)})
        cls.service_environment = {"HF_ENDPOINT": cls.hub.url}
        super().setUpClass()
        cls.service.pull_ok(cls.model)

    def chat(self, images=None, **more):
        message = {"role": "user", "content": QUESTION} | ({"images": images} if images else {})
        return self.client.post("/api/chat", {"model": self.model, "messages": [message], "stream": False, "options": GREEDY} | more)

    def text_of(self, images=None):
        answer = self.chat(images).json()
        self.assertTrue(answer["message"]["content"], "an empty answer proves nothing")
        return answer["message"]["content"]

    def test_the_answer_depends_on_the_picture(self):
        stripes, slope, blind = self.text_of([STRIPES]), self.text_of([SLOPE]), self.text_of()
        self.assertEqual(len({stripes, slope, blind}), 3)
        self.assertEqual(self.text_of([STRIPES]), stripes)

    def test_each_picture_takes_its_tokens(self):
        blind = self.chat().json()["prompt_eval_count"]
        for count in (1, 2):
            seen = self.chat([STRIPES, SLOPE][:count]).json()["prompt_eval_count"]
            self.assertGreaterEqual(seen - blind, count * IMAGE_TOKENS)

    def test_every_api_gives_the_model_the_same_picture(self):
        expected = self.text_of([STRIPES])
        with self.client.stream("POST", "/api/generate", {"model": self.model, "prompt": QUESTION, "images": [STRIPES], "options": GREEDY}) as stream:
            self.assertEqual("".join(line.get("response", "") for line in stream), expected)
        body = {"model": self.model, "messages": [openai_question(STRIPES)], "temperature": 0, "seed": 1, "repeat_penalty": 1.0, "max_tokens": 24}
        self.assertEqual(self.client.post("/v1/chat/completions", body).json()["choices"][0]["message"]["content"], expected)
        picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": STRIPES}}
        body = {"model": self.model, "messages": [{"role": "user", "content": [picture, {"type": "text", "text": QUESTION}]}], "temperature": 0, "max_tokens": 24}
        message = self.client.post("/v1/messages", body).json()
        self.assertEqual(message["content"][0]["text"], expected)
        self.assertEqual(self.client.post("/v1/messages/count_tokens", body).json(), {"input_tokens": message["usage"]["input_tokens"]})

    def test_what_is_no_picture_is_refused_and_the_model_goes_on(self):
        expected = self.text_of([STRIPES])
        broken = base64.b64encode(base64.b64decode(STRIPES)[:60] + b"\xff" * 200).decode()
        for image in (broken, base64.b64encode(b"no picture at all").decode()):
            self.assert_error(self.chat([image]), 400, "argument.invalid")
        self.assertEqual(self.text_of([STRIPES]), expected)

    @unittest.skipUnless(judges.AVAILABLE, "llama-server of the same release is not built (cmake/llama/build.sh judges)")
    def test_llama_server_reads_as_much(self):
        """The template and the picture's place; not the text: patterns for weights make tokens as likely as each other."""
        with judges.LlamaServer(self.weights, context=2048, arguments=("--mmproj", self.projector)) as judge:
            for image in (STRIPES, SLOPE):
                body = {"messages": [openai_question(image)], "temperature": 0.0, "max_tokens": 4}
                theirs = judge.post("/v1/chat/completions", body).json()
                ours = self.client.post("/v1/chat/completions", body | {"model": self.model}).json()
                self.assertEqual(ours["usage"]["prompt_tokens"], theirs["usage"]["prompt_tokens"])


if __name__ == "__main__":
    unittest.main()
