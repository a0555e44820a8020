"""Anthropic's API on a real service: `/v1/messages`, whole and streamed, and its token counts. The echo backend says back the question it got;
what only a model can show is asked of generated models, of Ember, and of llama-server, which speaks this API too."""
import json
import unittest

import judges
import models
from harness import HearthTest, needs_llama, seconds
from test_ember import MODELS as EMBER_FOLDER
from test_images import STRIPES

SAID = "one two three four"
USER = {"role": "user", "content": SAID}
TOOLS = [{"name": name, "description": "d", "input_schema": {"type": "object", "properties": {"text": {"type": "string"}}}} for name in ("look", "wait")]


class MessagesCase(HearthTest):
    model, backend = "any", "echo"

    def body(self, **more):
        own = {"backend": self.backend} if self.backend else {}
        return {"model": self.model, "max_tokens": 64, "messages": [USER]} | own | more

    def send(self, path="/v1/messages", headers=None, **more):
        return self.client.post(path, self.body(**more), headers=headers, timeout=seconds(120))

    def ask(self, **more):
        response = self.send(**more)
        self.assertEqual(response.status, 200, response)
        return response.json()

    def text(self, **more):
        return "".join(block.get("text", "") for block in self.ask(**more)["content"])

    def count(self, **more):
        response = self.send("/v1/messages/count_tokens", **more)
        self.assertEqual(response.status, 200, response)
        return response.json()["input_tokens"]

    def stream(self, **more):
        """@return [(name, data)] of every event, in order"""
        events, name = [], None
        with self.client.stream("POST", "/v1/messages", self.body(stream=True, **more), timeout=seconds(120)) as stream:
            self.assertEqual(stream.status, 200)
            self.assertEqual(stream.headers["content-type"], "text/event-stream")
            for line in stream.raw_lines():
                key, _, value = line.decode().strip().partition(": ")
                if key == "event":
                    name = value
                elif key == "data":
                    events.append((name, json.loads(value)))
        return events

    def put_together(self, events):
        """As a client does it. @return the message; checks on the way what every client relies on"""
        message, text = None, ""
        for name, data in events:
            self.assertEqual(name, data["type"])
            if name == "message_start":
                message = data["message"]
            elif name == "content_block_start":
                self.assertEqual(data["index"], len(message["content"]))
                message["content"].append(data["content_block"])
                text = ""
            elif name == "content_block_delta":
                self.assertEqual(data["index"], len(message["content"]) - 1)
                block, delta = message["content"][-1], data["delta"]
                text += delta.get("partial_json", "")
                for key in ("text", "thinking"):
                    if key in delta:
                        block[key] += delta[key]
            elif name == "content_block_stop" and message["content"][-1]["type"] == "tool_use":
                message["content"][-1]["input"] = json.loads(text or "{}")
            elif name == "message_delta":
                message |= data["delta"] | {"usage": data["usage"]}
        self.assertEqual(events[-1][0], "message_stop")
        return message

    def assert_same(self, **more):
        """Whole and streamed answers are one. @return the message"""
        whole, streamed = self.ask(**more), self.put_together(self.stream(**more))
        for message in (whole, streamed):
            self.assertTrue(message.pop("id").startswith("msg_"))
            for block in message["content"]:
                block.pop("id", None)
        self.assertEqual(whole, streamed)
        return whole

    def assert_refused(self, response, status, kind, code):
        self.assertEqual(response.status, status, response)
        body = response.json()
        self.assertEqual((body["type"], body["error"]["type"], body["error"]["code"]), ("error", kind, code))
        self.assertEqual(body["error"]["details"], {"error_code": code})
        self.assertTrue(body["error"]["message"].strip(), body)
        return body["error"]


class Echoed(MessagesCase):
    def test_a_text_whole_and_streamed(self):
        message = self.assert_same()
        self.assertEqual(message["content"], [{"type": "text", "text": SAID}])
        self.assertEqual((message["type"], message["role"], message["model"], message["stop_reason"], message["stop_sequence"]),
                         ("message", "assistant", "any", "end_turn", None))
        self.assertEqual((message["usage"]["input_tokens"], message["usage"]["output_tokens"]), (self.count(), 4))

    def test_the_first_event_knows_how_long_the_prompt_is(self):
        name, start = self.stream()[0]
        self.assertEqual((name, start["message"]["usage"]["input_tokens"]), ("message_start", self.count()))

    def test_system_prompt_and_turns_reach_the_model(self):
        plain = self.count()
        self.assertEqual(self.count(system="a b c"), plain + 4)
        self.assertEqual(self.count(system=[{"type": "text", "text": "a b"}, {"type": "text", "text": "c"}]), plain + 4)
        turns = [USER, {"role": "assistant", "content": "yes"}, {"role": "user", "content": [{"type": "text", "text": "five"}, {"type": "text", "text": " six"}]}]
        self.assertEqual(self.text(messages=turns), "five six")
        self.assertGreater(self.count(messages=turns), plain + 4)

    def test_says_why_it_ended(self):
        def why(**more):
            message = self.assert_same(**more)
            return message["stop_reason"], message["stop_sequence"], message["content"]
        self.assertEqual(why(max_tokens=2), ("max_tokens", None, [{"type": "text", "text": "one two"}]))
        self.assertEqual(why(stop_sequences=["zzz", "three"]), ("stop_sequence", "three", [{"type": "text", "text": "one two "}]))
        self.assertEqual(why(stop_sequences=["zzz"]), ("end_turn", None, [{"type": "text", "text": SAID}]))

    def test_a_tool_is_called_and_its_result_taken(self):
        message = self.assert_same(tools=TOOLS, tool_choice={"type": "any"})
        self.assertEqual(message["content"], [{"type": "tool_use", "name": "look", "input": {"text": SAID}}])
        self.assertEqual(message["stop_reason"], "tool_use")
        named = self.assert_same(tools=TOOLS, tool_choice={"type": "tool", "name": "wait"})
        self.assertEqual(named["content"][0]["name"], "wait")
        call = self.ask(tools=TOOLS, tool_choice={"type": "any"})["content"]
        result = {"type": "tool_result", "tool_use_id": call[0]["id"], "content": [{"type": "text", "text": "blue"}]}
        turns = [USER, {"role": "assistant", "content": call}, {"role": "user", "content": [result, {"type": "text", "text": "so?"}]}]
        self.assertEqual(self.text(messages=turns, tools=TOOLS), "so?")

    def test_what_is_left_out_is_named(self):
        response = self.send(metadata={"user_id": "u"}, service_tier="auto", system=[{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}])
        self.assertEqual(response.headers["hearth-ignored"], "cache_control, metadata, service_tier")
        self.assertEqual(response.headers["hearth-backend"], "echo")
        self.assertNotIn("hearth-ignored", self.send().headers)

    def test_errors_have_the_shape_of_the_api(self):
        self.assert_refused(self.client.post("/v1/messages", self.body(model="absent") | {"backend": None}), 404, "not_found_error", "model.not_found")
        self.assert_refused(self.send(max_tokens=0), 400, "invalid_request_error", "argument.invalid")
        self.assert_refused(self.client.post("/v1/messages?beta=true", b"{no"), 400, "invalid_request_error", "argument.invalid")
        self.assert_refused(self.client.get("/v1/messages"), 405, "invalid_request_error", "route.method_not_allowed")
        self.assert_refused(self.client.post("/v1/messages/batches", {}), 404, "not_found_error", "route.not_found")
        document = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}}
        error = self.assert_refused(self.send(messages=[{"role": "user", "content": [document]}]), 400, "invalid_request_error", "unsupported")
        self.assertIn("text", error["hint"])
        search = {"type": "web_search_20250305", "name": "web_search"}
        self.assert_refused(self.send(tools=[search]), 400, "invalid_request_error", "unsupported")
        self.assert_refused(self.send("/v1/messages/count_tokens", messages=[]), 400, "invalid_request_error", "argument.invalid")

    def test_a_failure_before_the_answer_is_an_answer_and_later_an_event(self):
        self.assert_refused(self.send(echo_fail_after=0, max_tokens=1), 500, "api_error", "backend.failed")
        name, data = self.stream(echo_fail_after=2)[-1]
        self.assertEqual((name, data["type"], data["error"]["type"], data["error"]["code"]), ("error", "error", "api_error", "backend.failed"))

    def test_a_client_that_leaves_ends_the_request(self):
        body = self.body(stream=True, echo_repeat=100000, echo_delay_ms=5)
        with self.client.stream("POST", "/v1/messages", body) as stream:
            for number, _ in enumerate(stream.events()):
                if number == 4:
                    break
        self.eventually(lambda: not any(row.get("active_requests") for row in self.client.get("/api/ps").json()["models"]), what="the request to end")

    def test_is_among_the_capabilities(self):
        told = self.client.get("/hearth/v1/capabilities").json()
        self.assertIn("anthropic", told["features"])
        for path in ("/v1/messages", "/v1/messages/count_tokens"):
            self.assertIn({"method": "POST", "path": path, "sockets": ["api", "infer"]}, told["routes"])


@needs_llama
class Answered(MessagesCase):
    backend = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.service.add_model(models.tiny())
        cls.thinking = cls.service.add_model(models.tools())

    def test_whole_and_streamed_are_one_and_counted(self):
        message = self.assert_same(temperature=0, max_tokens=12)
        self.assertEqual((message["stop_reason"], message["usage"]["output_tokens"]), ("max_tokens", 12))
        self.assertEqual(message["usage"]["input_tokens"], self.count())
        self.assertEqual(self.stream(max_tokens=1)[0][1]["message"]["usage"]["input_tokens"], self.count())

    def test_names_the_stop_sequence_that_was_met(self):
        text = self.text(temperature=0, max_tokens=24)
        stop = text[len(text) // 2:][:4]
        message = self.assert_same(temperature=0, max_tokens=24, stop_sequences=["never said", stop])
        self.assertEqual((message["stop_reason"], message["stop_sequence"]), ("stop_sequence", stop))
        self.assertEqual(message["content"][0]["text"], text[:text.index(stop)])

    def test_goes_on_with_a_begun_answer(self):
        turns = [USER, {"role": "assistant", "content": "Well, "}]
        self.assertNotIn("Well, ", self.text(messages=turns, temperature=0, max_tokens=4))
        self.assertGreater(self.count(messages=turns), self.count())

    def test_an_answer_keeps_to_a_schema(self):
        schema = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0, "maximum": 120}}, "required": ["age"], "additionalProperties": False}
        text = self.text(max_tokens=200, output_config={"format": {"type": "json_schema", "schema": schema}})
        self.assertEqual(list(json.loads(text)), ["age"])

    def test_thoughts_come_only_when_asked_for(self):
        def kinds(**more):
            return [block["type"] for block in self.assert_same(model=self.thinking, temperature=0, max_tokens=8, **more)["content"]]
        self.assertEqual(kinds(thinking={"type": "enabled", "budget_tokens": 1024}), ["thinking"])
        self.assertEqual(kinds(thinking={"type": "disabled"}), ["text"])
        self.assertEqual(kinds(), ["text"])
        response = self.send(thinking={"type": "adaptive"}, max_tokens=4)
        self.assertEqual((response.status, response.headers["hearth-ignored"]), (200, "thinking"))

    def test_tools_and_images_are_refused_where_the_model_has_none(self):
        self.assertIn("tools", self.assert_refused(self.send(tools=TOOLS), 400, "invalid_request_error", "unsupported")["message"])
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": STRIPES}}
        self.assertIn("images", self.assert_refused(self.send(messages=[{"role": "user", "content": [image]}]), 400, "invalid_request_error", "unsupported")["message"])
        self.assertEqual(self.send(model=self.thinking, tools=TOOLS, max_tokens=4).status, 200)

    def test_a_prompt_that_is_too_long_is_an_error_and_can_be_counted(self):
        long = [{"role": "user", "content": "word " * 20000}]
        self.assert_refused(self.send(messages=long, stream=True), 400, "invalid_request_error", "context.exceeded")
        self.assertGreater(self.count(messages=long), 20000)

    @unittest.skipUnless(judges.AVAILABLE, "llama-server of the same release is not built (cmake/llama/build_judges.sh)")
    def test_says_what_llama_server_says(self):
        with judges.LlamaServer(models.tiny(), context=4096, parallel=1) as judge:
            for more in ({}, {"system": "Be brief."}, {"messages": [USER, {"role": "assistant", "content": "yes"}, {"role": "user", "content": "go on"}]}):
                body = self.body(temperature=0, max_tokens=16, **more)
                ours, theirs = self.ask(**body), judge.post("/v1/messages", body).json()
                self.assertEqual(ours["content"], theirs["content"])
                self.assertEqual(ours["stop_reason"], theirs["stop_reason"])
                self.assertEqual(ours["usage"]["output_tokens"], theirs["usage"]["output_tokens"])
                read = theirs["usage"]["input_tokens"] + theirs["usage"]["cache_read_input_tokens"]
                self.assertEqual((ours["usage"]["input_tokens"], self.count(**more)), (read, read))


@needs_llama
class Ember(MessagesCase):
    service_environment = {"HEARTH_MODELS": str(EMBER_FOLDER)}
    model, backend = "ember", None

    def test_answers(self):
        message = self.assert_same(messages=[{"role": "user", "content": "how do I free memory?"}])
        self.assertIn("hearth stop", message["content"][0]["text"])
        self.assertEqual((message["model"], message["stop_reason"]), ("ember", "end_turn"))

    def test_goes_on_with_a_begun_answer(self):
        question = {"role": "user", "content": "how do I free memory?"}
        whole = self.text(messages=[question])
        begun, rest = whole[:whole.index("hearth stop")].rstrip(), "hearth stop"
        self.assertIn(rest, self.text(messages=[question, {"role": "assistant", "content": begun}]))
