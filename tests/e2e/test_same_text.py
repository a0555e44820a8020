"""The text of a model through Hearth is the text that llama-server of the same release gives."""
import unittest

import judges
import models
from harness import HearthTest, full, needs_llama, seconds

PROMPTS = ["Once upon a time", "The capital of France is", "def fibonacci(n):", "Why is the sky blue?", "List three colours: "]
SAMPLING = {"top_k": 40, "top_p": 0.9, "min_p": 0.05, "repeat_penalty": 1.0, "max_tokens": 64}
SEEDED = {"temperature": 0.8, "seed": 42}


class SameTextMixin:
    def compare(self, path, prompts, tokens=64):
        name = self.service.add_model(path)
        sampling = SAMPLING | {"max_tokens": tokens}
        with judges.LlamaServer(path, context=4096, parallel=1) as judge:
            for how in ({"temperature": 0.0, "seed": 1}, SEEDED):
                for prompt in prompts:
                    with self.subTest(prompt=prompt, **how):
                        body = {"messages": [{"role": "user", "content": prompt}], "cache_prompt": False} | sampling | how
                        ours = self.client.post("/v1/chat/completions", body | {"model": name}, timeout=seconds(120)).json()
                        theirs = judge.post("/v1/chat/completions", body, timeout=seconds(120)).json()
                        choice, expected = ours["choices"][0], theirs["choices"][0]
                        self.assertEqual(choice["message"]["content"], expected["message"]["content"])
                        self.assertTrue(expected["message"]["content"], "an empty answer proves nothing")
                        self.assertEqual(choice["finish_reason"], expected["finish_reason"])
                        self.assertEqual(ours["usage"]["prompt_tokens"], theirs["usage"]["prompt_tokens"], "the same template")
                        self.assertEqual(ours["usage"]["completion_tokens"], theirs["usage"]["completion_tokens"])


@needs_llama
@unittest.skipUnless(judges.AVAILABLE, "llama-server of the same release is not built (cmake/llama/build_judges.sh)")
class Tiny(SameTextMixin, HearthTest):
    service_config = "[runtime]\nparallel = 1\n"

    def test_tiny_model(self):
        self.compare(models.tiny(), PROMPTS)


@needs_llama
@full
@unittest.skipUnless(judges.AVAILABLE, "llama-server of the same release is not built (cmake/llama/build_judges.sh)")
class RealShape(SameTextMixin, HearthTest):
    service_config = "[runtime]\nparallel = 1\n"
    time_limit = 900

    def test_half_billion_parameters_q4_k_m(self):
        self.compare(models.half_billion(), PROMPTS)
