"""Answers that keep to a JSON Schema: every complete one validates, and a schema that cannot be kept to is refused with the reason."""
import json

import jsonschema
import models
import schemas
from harness import HearthTest, needs_llama

SECRET = "kanemi-tolu-secret"


@needs_llama
class Schemas(HearthTest):
    time_limit = 400

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.service.add_model(models.tiny())

    def judge(self, schema, text, finished):
        self.assertEqual(finished, "stop", text)
        value = json.loads(text)
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(value, schema, jsonschema.Draft202012Validator)
        return value

    def test_there_are_fifty(self):
        self.assertEqual(len(schemas.KEPT), 50)

    def test_every_answer_of_chat_validates(self):
        for number, (name, schema) in enumerate(schemas.KEPT.items()):
            with self.subTest(name):
                line = self.client.post("/api/chat", {
                    "model": self.model, "messages": [{"role": "user", "content": name}], "format": schema, "stream": False,
                    "options": {"seed": number, "num_predict": 1500}}).json()
                self.assertNotIn("error", line)
                self.judge(schema, line["message"]["content"], line["done_reason"])

    def test_every_answer_of_response_format_validates(self):
        for number, (name, schema) in enumerate(schemas.KEPT.items()):
            with self.subTest(name):
                body = self.client.post("/v1/chat/completions", {
                    "model": self.model, "messages": [{"role": "user", "content": name}], "seed": number, "max_tokens": 1500,
                    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": number % 2 == 0, "schema": schema}}}).json()
                self.assertNotIn("error", body)
                choice = body["choices"][0]
                self.judge(schema, choice["message"]["content"], choice["finish_reason"])

    def test_generate_keeps_to_them_too_streamed_and_in_raw_mode(self):
        for number, name in enumerate(("person", "tuple", "pattern", "oneOf with a mark", "references")):
            for raw in (False, True):
                with self.subTest(name, raw=raw):
                    text, last = self.service.generate(self.model, name, format=schemas.KEPT[name], raw=raw,
                                                       options={"seed": number, "num_predict": 1500})
                    self.judge(schemas.KEPT[name], text, last["done_reason"])

    def test_members_come_in_the_order_of_the_schema(self):
        schema = schemas.thing({"why": schemas.SHORT, "answer": schemas.SHORT}, ["why", "answer"], additionalProperties=False)
        chat = {"model": self.model, "messages": [{"role": "user", "content": "x"}], "stream": False, "max_tokens": 200}
        generate = {"model": self.model, "prompt": "x", "stream": False, "format": schema}
        wrapped = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
        texts = {
            "chat": self.client.post("/api/chat", chat | {"format": schema}).json()["message"]["content"],
            "generate": self.client.post("/api/generate", generate).json()["response"],
            "raw": self.client.post("/api/generate", generate | {"raw": True}).json()["response"],
            "OpenAI": self.client.post("/v1/chat/completions", chat | {"response_format": wrapped}).json()["choices"][0]["message"]["content"],
            "Anthropic": self.client.post("/v1/messages", chat | {
                "output_config": {"format": {"type": "json_schema", "schema": schema}}}).json()["content"][0]["text"]}
        self.assertEqual({name: list(json.loads(text)) for name, text in texts.items()}, dict.fromkeys(texts, ["why", "answer"]))

    def test_json_without_a_schema_is_an_object(self):
        for target, body in (("/api/generate", {"prompt": "x", "format": "json"}),
                             ("/api/generate", {"prompt": "x", "format": "json", "raw": True})):
            line = self.client.post(target, {"model": self.model, "stream": False, "options": {"num_predict": 40}} | body).json()
            self.assertTrue(line["response"].lstrip().startswith("{"), line)

    def test_what_cannot_be_kept_to_is_a_400_that_names_it(self):
        for name, (schema, word) in schemas.REFUSED.items():
            with self.subTest(name):
                chat = {"model": self.model, "messages": [{"role": "user", "content": SECRET}], "stream": False}
                answer = self.client.post("/api/chat", chat | {"format": schema})
                self.assert_error(answer, 400, ("argument.invalid", "unsupported"))
                self.assertIn(word, answer.json()["error"])
                generate = self.client.post("/api/generate", {"model": self.model, "prompt": "x", "raw": True, "stream": False, "format": schema})
                self.assert_error(generate, 400, ("argument.invalid", "unsupported"))
                wrapped = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
                openai = self.client.post("/v1/chat/completions", chat | {"response_format": wrapped})
                self.assert_openai_error(openai, 400, ("argument.invalid", "unsupported"))
                self.assertIn(word, openai.json()["error"]["message"])

    def test_a_format_of_the_wrong_kind_is_a_400(self):
        for wrong in ("xml", 3, ["json"], True):
            with self.subTest(wrong):
                answer = self.client.post("/api/generate", {"model": self.model, "prompt": "x", "stream": False, "format": wrong})
                self.assert_error(answer, 400, "argument.invalid")
        for wrong in ("json", {"type": "yaml"}, {"type": "json_schema"}, {"type": "json_schema", "json_schema": {"schema": 3}}):
            with self.subTest(wrong):
                answer = self.client.post("/v1/chat/completions", {"model": self.model, "messages": [{"role": "user", "content": "x"}],
                                                                   "response_format": wrong})
                self.assert_openai_error(answer, 400, "argument.invalid")

    def test_the_engines_own_fields_are_not_a_way_around(self):
        chat = {"model": self.model, "messages": [{"role": "user", "content": "x"}]}
        for more in ({"grammar": f'root ::= "{SECRET}'}, {"json_schema": {"not": {}}}, {"grammar_lazy": True}):
            with self.subTest(more):
                self.assert_openai_error(self.client.post("/v1/chat/completions", chat | more), 400, "unsupported")

    def test_no_text_of_a_user_reaches_the_log(self):
        bad = [{"type": "string", "pattern": f"^{SECRET}(?!x)$"}, {"type": "string", "pattern": f"{SECRET}("},
               {"$ref": f"#/$defs/{SECRET}"}, {"type": "string", "pattern": f"^({SECRET}){{3000}}$"},
               {"type": "object", "properties": {f"{SECRET}]": {}}, "additionalProperties": True}]
        tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {
            SECRET: {"type": "string", "pattern": f"^{SECRET}(?!x)$"}}}}}
        tools = self.service.add_model(models.tools())
        for schema in bad:
            chat = {"messages": [{"role": "user", "content": SECRET}], "stream": False, "options": {"num_predict": 3}}
            self.client.post("/api/chat", chat | {"model": self.model, "format": schema})
            self.client.post("/api/chat", chat | {"model": tools, "tools": [tool], "think": False})
            self.client.post("/v1/chat/completions", {"model": tools, "messages": chat["messages"], "max_tokens": 3, "tools": [tool],
                                                      "tool_choice": "required"})
        self.assertNotIn(SECRET, self.service.log.read_text())
