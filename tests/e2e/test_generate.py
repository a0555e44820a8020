"""Answers over HTTP: the shapes of Ollama's API and of OpenAI's, streamed and whole. With echo, whose text is known, then with llama.cpp."""
import json
import math
import re
import time

import models
from harness import HearthTest, needs_llama, seconds

NANOSECOND_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$")
METRICS = ("total_duration", "load_duration", "prompt_eval_count", "prompt_eval_duration", "eval_count", "eval_duration")
SAID = "the quick brown fox jumps over the lazy dog"


class ShapesMixin:
    """The contract, whatever the backend. `model` names what answers, `extra` goes into every request."""

    model = ""
    extra = {}
    exact = True  # the backend repeats what it was told

    def ask(self, target, body, **more):
        return self.client.post(target, {"model": self.model} | self.extra | body, **more)

    def ask_stream(self, target, body):
        return self.client.stream("POST", target, {"model": self.model} | self.extra | body)

    def assert_final(self, line, reason=("stop", "length")):
        self.assertIs(line["done"], True, line)
        self.assertIn(line["done_reason"], reason, line)
        for name in METRICS:
            if name in line:
                self.assertIsInstance(line[name], int, f"{name}: durations are whole nanoseconds")
                self.assertGreater(line[name], 0, f"{name}: zero is left out")
        for name in ("total_duration", "prompt_eval_count", "eval_count", "eval_duration"):
            self.assertIn(name, line)
        self.assertGreaterEqual(line["total_duration"], line["eval_duration"])

    def assert_chunk(self, line):
        self.assertEqual(line["model"], self.model, "the answer echoes the name that was sent")
        self.assertRegex(line["created_at"], NANOSECOND_TIME)
        self.assertIn("done", line)

    def tearDown(self):
        self.service.unload_all()

    # ---- generate

    def test_generate_streams_ndjson_by_default(self):
        with self.ask_stream("/api/generate", {"prompt": SAID, "options": {"num_predict": 12}}) as stream:
            self.assertEqual(stream.status, 200)
            self.assertTrue(stream.headers["content-type"].startswith("application/x-ndjson"))
            lines = list(stream)
        self.assertGreater(len(lines), 2)
        for line in lines:
            self.assert_chunk(line)
            self.assertIsInstance(line["response"], str)
        self.assertTrue(all(line["done"] is False for line in lines[:-1]))
        self.assert_final(lines[-1])
        if self.exact:
            self.assertEqual("".join(line["response"] for line in lines), SAID)
            self.assertEqual(lines[-1]["eval_count"], 9)
            self.assertEqual(lines[-1]["done_reason"], "stop")
        self.assertIsInstance(lines[-1]["context"], list)
        self.assertTrue(all(isinstance(token, int) for token in lines[-1]["context"]))
        self.assertTrue(lines[-1]["context"])

    def test_generate_whole_answer(self):
        response = self.ask("/api/generate", {"prompt": SAID, "stream": False, "options": {"num_predict": 12}})
        self.assertEqual(response.status, 200, response)
        self.assertTrue(response.headers["content-type"].startswith("application/json"))
        line = response.json()
        self.assert_chunk(line)
        self.assert_final(line)
        if self.exact:
            self.assertEqual(line["response"], SAID)

    def test_generate_stops_at_num_predict_with_reason_length(self):
        line = self.ask("/api/generate", {"prompt": SAID, "stream": False, "options": {"num_predict": 3}}).json()
        self.assertEqual((line["done_reason"], line["eval_count"]), ("length", 3))

    def test_raw_mode_has_no_context(self):
        line = self.ask("/api/generate", {"prompt": SAID, "raw": True, "stream": False, "options": {"num_predict": 4}}).json()
        self.assertIs(line["done"], True, line)
        self.assertNotIn("context", line)

    def test_unknown_fields_and_unknown_or_old_options_are_ignored(self):
        body = {"prompt": SAID, "stream": False, "no_such_field": {"a": 1},
                "options": {"num_predict": 4, "mirostat": 2, "use_mlock": True, "no_such_option": "x"}}
        response = self.ask("/api/generate", body)
        self.assertEqual(response.status, 200, response)

    # ---- chat

    def test_chat_streams_messages(self):
        with self.ask_stream("/api/chat", {"messages": [{"role": "user", "content": SAID}], "options": {"num_predict": 12}}) as stream:
            self.assertEqual(stream.status, 200)
            self.assertTrue(stream.headers["content-type"].startswith("application/x-ndjson"))
            lines = list(stream)
        for line in lines:
            self.assert_chunk(line)
            self.assertEqual(line["message"]["role"], "assistant")
            self.assertIsInstance(line["message"]["content"], str)
            self.assertNotIn("response", line)
        self.assert_final(lines[-1])
        self.assertNotIn("context", lines[-1])
        if self.exact:
            self.assertEqual("".join(line["message"]["content"] for line in lines), SAID)

    def test_chat_whole_answer(self):
        messages = [{"role": "system", "content": "be short"}, {"role": "user", "content": "hello"},
                    {"role": "assistant", "content": "hi"}, {"role": "user", "content": SAID}]
        response = self.ask("/api/chat", {"messages": messages, "stream": False, "options": {"num_predict": 12}})
        self.assertEqual(response.status, 200, response)
        line = response.json()
        self.assert_chunk(line)
        self.assert_final(line)
        self.assertEqual(line["message"]["role"], "assistant")
        if self.exact:
            self.assertEqual(line["message"]["content"], SAID)

    # ---- loading and unloading by an empty prompt

    def test_empty_prompt_loads_and_keep_alive_zero_unloads(self):
        for target, content in (("/api/generate", {"response": ""}), ("/api/chat", {"message": {"role": "assistant", "content": ""}})):
            with self.subTest(target):
                load = self.ask(target, {})
                self.assertEqual(load.status, 200, load)
                self.assertEqual(len(load.lines()), 1, "one object, never a stream")
                line = load.json()
                self.assertEqual((line["done"], line["done_reason"]), (True, "load"), line)
                self.assertEqual({name: line.get(name) for name in content}, content)
                self.assertIn(self.model, self.service.loaded())
                gone = self.ask(target, {"keep_alive": 0}).json()
                self.assertEqual((gone["done"], gone["done_reason"]), (True, "unload"), gone)
                self.eventually(lambda: self.model not in self.service.loaded(), what="the model to be unloaded")
                self.eventually(lambda: not self.service.family().runners, what="its runner to end")

    def test_keep_alive_zero_with_a_prompt_unloads_after_the_answer(self):
        line = self.ask("/api/generate", {"prompt": SAID, "stream": False, "keep_alive": 0, "options": {"num_predict": 4}}).json()
        self.assertIs(line["done"], True, line)
        self.eventually(lambda: self.model not in self.service.loaded(), what="the model to be unloaded")

    def test_keep_alive_expires_and_is_renewed_by_use(self):
        self.ask("/api/generate", {"keep_alive": "1.5s"})
        time.sleep(seconds(0.7))
        self.ask("/api/generate", {"prompt": "again", "stream": False, "keep_alive": 1.5, "options": {"num_predict": 1}})
        used = time.monotonic()
        row = self.client.get("/api/ps").json()["models"][0]
        self.assertRegex(row["expires_at"], NANOSECOND_TIME)
        self.assertEqual(row["name"], self.model)
        for name in ("model", "size", "digest", "details", "size_vram", "context_length"):
            self.assertIn(name, row)
        self.eventually(lambda: not self.service.loaded(), 10, "keep-alive to run out")
        self.assertGreater(time.monotonic() - used, 1.2, "the second request starts the time anew")

    def test_negative_keep_alive_stays_for_ever(self):
        self.ask("/api/generate", {"keep_alive": "-1m"})
        row = self.client.get("/api/ps").json()["models"][0]
        self.assertGreater(int(row["expires_at"][:4]), time.gmtime().tm_year + 100)
        self.ask("/api/generate", {"keep_alive": 0})

    def test_keep_alive_text_without_unit_is_refused(self):
        response = self.ask("/api/generate", {"prompt": "x", "keep_alive": "300"})
        self.assert_error(response, 400, "argument.invalid")

    # ---- embeddings

    embedder = None  # another model for these, where there is one

    def embed_with(self, target, body):
        return self.ask(target, {"model": self.embedder or self.model} | body)

    def assert_normalised(self, vector):
        self.assertAlmostEqual(math.sqrt(sum(x * x for x in vector)), 1.0, places=3)

    def test_embed_one_and_many(self):
        one = self.embed_with("/api/embed", {"input": "hello world"})
        self.assertEqual(one.status, 200, one)
        many = self.embed_with("/api/embed", {"input": ["hello world", "something else"]}).json()
        self.assertEqual(len(one.json()["embeddings"]), 1)
        self.assertEqual(len(many["embeddings"]), 2)
        self.assertEqual(many["model"], self.embedder or self.model)
        self.assertGreater(many["prompt_eval_count"], 0)
        self.assertGreater(many["total_duration"], 0)
        for vector in many["embeddings"]:
            self.assert_normalised(vector)
        for a, b in zip(one.json()["embeddings"][0], many["embeddings"][0]):
            self.assertAlmostEqual(a, b, places=2)
        self.assertNotEqual(many["embeddings"][0], many["embeddings"][1])

    def test_embed_of_nothing_loads(self):
        for nothing in ([], ""):
            response = self.embed_with("/api/embed", {"input": nothing})
            self.assertEqual(response.status, 200, response)
            self.assertEqual(response.json()["embeddings"], [])
        self.assertIn(self.embedder or self.model, self.service.loaded())

    def test_openai_embeddings(self):
        response = self.embed_with("/v1/embeddings", {"input": ["hello world", "something else"]})
        self.assertEqual(response.status, 200, response)
        body = response.json()
        self.assertEqual(body["object"], "list")
        self.assertEqual([(row["object"], row["index"]) for row in body["data"]], [("embedding", 0), ("embedding", 1)])
        self.assert_normalised(body["data"][0]["embedding"])
        self.assertGreater(body["usage"]["prompt_tokens"], 0)
        self.assertIn("total_tokens", body["usage"])

    # ---- OpenAI

    def test_openai_chat_whole(self):
        response = self.ask("/v1/chat/completions", {"messages": [{"role": "user", "content": SAID}], "max_tokens": 12})
        self.assertEqual(response.status, 200, response)
        self.assertTrue(response.headers["content-type"].startswith("application/json"))
        body = response.json()
        self.assertEqual((body["object"], body["model"]), ("chat.completion", self.model))
        self.assertTrue(body["id"].startswith("chatcmpl-"), body["id"])
        self.assertIsInstance(body["created"], int)
        choice = body["choices"][0]
        self.assertEqual((choice["index"], choice["message"]["role"]), (0, "assistant"))
        self.assertIn(choice["finish_reason"], ("stop", "length"))
        self.assertEqual(body["usage"]["total_tokens"], body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"])
        if self.exact:
            self.assertEqual(choice["message"]["content"], SAID)

    def openai_stream(self, more):
        body = {"messages": [{"role": "user", "content": SAID}], "max_tokens": 12, "stream": True} | more
        with self.ask_stream("/v1/chat/completions", body) as stream:
            self.assertEqual(stream.status, 200)
            self.assertTrue(stream.headers["content-type"].startswith("text/event-stream"))
            events = list(stream)
        self.assertEqual(events.pop(), "[DONE]")
        return events

    def test_openai_chat_stream(self):
        events = self.openai_stream({})
        chosen = [event["choices"][0] for event in events if event["choices"]]
        for event in events:
            self.assertEqual((event["object"], event["model"]), ("chat.completion.chunk", self.model))
        self.assertEqual(len({event["id"] for event in events}), 1, "one id for the whole answer")
        self.assertEqual(chosen[0]["delta"].get("role"), "assistant")
        self.assertEqual([c["finish_reason"] for c in chosen[:-1]], [None] * (len(chosen) - 1))
        self.assertIn(chosen[-1]["finish_reason"], ("stop", "length"))
        self.assertFalse(any(event.get("usage") for event in events), "usage only where it was asked for")
        if self.exact:
            self.assertEqual("".join(c["delta"].get("content") or "" for c in chosen), SAID)

    def test_openai_stream_includes_usage_when_asked(self):
        last = self.openai_stream({"stream_options": {"include_usage": True}})[-1]
        self.assertEqual(last["choices"], [])
        self.assertGreater(last["usage"]["completion_tokens"], 0)

    # ---- Hearth's own

    def test_load_and_unload_by_name(self):
        loaded = self.ask("/hearth/v1/load", {})
        self.assertEqual(loaded.status, 200, loaded)
        self.eventually(lambda: self.model in self.service.loaded(), what="the model in ps")
        gone = self.ask("/hearth/v1/unload", {})
        self.assertEqual(gone.status, 200, gone)
        self.eventually(lambda: not self.service.loaded(), what="the model gone from ps")


class Echo(ShapesMixin, HearthTest):
    """With the deterministic backend: the text is the question."""

    model = "anything:latest"
    extra = {"backend": "echo"}

    def test_stop_words_cut_the_answer(self):
        line = self.ask("/api/generate", {"prompt": SAID, "stream": False, "options": {"stop": ["fox"]}}).json()
        self.assertEqual((line["response"].rstrip(), line["done_reason"]), ("the quick brown", "stop"))

    def test_chunks_arrive_while_the_answer_is_made(self):
        body = {"prompt": SAID, "options": {"echo_delay_ms": 60}}
        with self.ask_stream("/api/generate", body) as stream:
            times = [at for at, _ in stream.events()]
        self.assertGreater(times[-1] - times[0], 0.3, "nothing may be held back until the end")

    def test_backend_failure_in_mid_stream_is_a_last_line_with_the_error(self):
        with self.ask_stream("/api/generate", {"prompt": SAID, "options": {"echo_fail_after": 3}}) as stream:
            self.assertEqual(stream.status, 200)
            lines = list(stream)
        self.assertEqual("".join(line.get("response", "") for line in lines[:-1]), "the quick brown")
        self.assert_error_body(lines[-1], ("backend.failed", "internal"))
        self.assertNotIn("done", lines[-1])

    def test_backend_failure_before_the_first_word_has_its_status(self):
        response = self.ask("/api/generate", {"prompt": SAID, "stream": False, "options": {"echo_fail_after": 0}})
        self.assert_error(response, 500, ("backend.failed", "internal"))

    def test_openai_failure_in_mid_stream_is_an_error_event(self):
        body = {"messages": [{"role": "user", "content": SAID}], "stream": True, "echo_fail_after": 2}
        with self.ask_stream("/v1/chat/completions", body) as stream:
            events = list(stream)
        errors = [event for event in events if isinstance(event, dict) and "error" in event]
        self.assertEqual(len(errors), 1, events)
        self.assertTrue(errors[0]["error"]["message"])

    def test_unicode_survives_every_way(self):
        text = "naïve 日本語 🙂 \"quoted\" \\ back"
        self.assertEqual(self.ask("/api/generate", {"prompt": text, "stream": False}).json()["response"], text)
        _, last = self.service.generate(self.model, text, backend="echo")
        self.assertTrue(last["done"])
        body = {"messages": [{"role": "user", "content": text}]}
        self.assertEqual(self.ask("/v1/chat/completions", body).json()["choices"][0]["message"]["content"], text)

    def test_too_long_a_prompt_says_so(self):
        response = self.ask("/api/generate", {"prompt": "word " * 5000, "stream": False, "options": {"num_ctx": 64}})
        self.assert_error(response, 400, "context.exceeded")


@needs_llama
class Llama(ShapesMixin, HearthTest):
    """With llama.cpp on a small generated model."""

    exact = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.service.add_model(models.tiny())
        cls.embedder = cls.service.add_model(models.embedder())

    def test_seeded_sampling_repeats_itself(self):
        body = {"prompt": "Once", "stream": False, "options": {"num_predict": 24, "temperature": 0.8, "seed": 7}}
        first, second = (self.ask("/api/generate", body).json()["response"] for _ in range(2))
        self.assertEqual(first, second)
        body["options"]["seed"] = 8
        self.assertNotEqual(self.ask("/api/generate", body).json()["response"], first)

    def test_format_json_gives_json(self):
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
        line = self.ask("/api/generate", {"prompt": "a number", "stream": False, "format": schema,
                                          "options": {"num_predict": 200, "seed": 3}}).json()
        if line["done_reason"] == "stop":  # random weights may count for ever inside the integer
            self.assertIsInstance(json.loads(line["response"])["n"], int)
        else:
            self.assertRegex(line["response"], r'^\s*\{\s*"n"\s*:\s*-?\d+')

    def test_a_smaller_context_does_not_reload(self):
        self.ask("/api/generate", {"options": {"num_ctx": 256}})
        first = self.service.runner_of(self.model)
        self.ask("/api/generate", {"prompt": "x", "stream": False, "options": {"num_ctx": 128, "num_predict": 1}})
        self.assertEqual(self.service.family().runners, [first])
