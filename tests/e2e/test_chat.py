"""The conversation of `hearth run` on a pseudo terminal and a real service: what people type, and what the model hears. The echo backend
says back the question it got."""
import fcntl
import json
import os
import re
import stat
import struct
import termios
import unittest

import models
from harness import BIN, DONE, HearthTest, needs_llama
from terminal import Terminal

PROMPT = "\n>>> "  # a line that is drawn again has no line end before it
PASTE = "\x1b[200~{}\x1b[201~"
LEFT, UP, BACKSPACE, ALT_ENTER = "\x1b[D", "\x1b[A", "\x7f", "\x1b\r"


class Chat:
    """A conversation that runs."""

    def __init__(self, test, *arguments, model="talk", backend="echo", environment=None):
        self.test = test
        self.terminal = Terminal([BIN / "hearth", "run", "--backend", backend, *arguments, model],
                                 test.service.environment | (environment or {}), test.service.home)
        test.addCleanup(self.terminal.close)
        self.at = self.terminal.expect(PROMPT)

    def enter(self, keys):
        """Types at the prompt. @return what is shown until the next prompt"""
        begin = self.at
        self.terminal.type(keys + "\r")
        self.at = self.terminal.expect(PROMPT, after=begin)
        return self.terminal.seen[begin:self.at - len(PROMPT) + 1].replace("\r\n", "\n").replace("\r", "\n")

    def hears(self, keys, question):
        """Typing `keys` asks `question`, which comes back as the answer: whole lines of their own, below what was typed."""
        shown = self.enter(keys)
        self.test.assertRegex(shown, rf"\n{re.escape(question)}\n$", keys)
        return shown

    def type(self, keys, shown):
        """Types without Enter, and waits until something is shown."""
        self.terminal.type(keys)
        return self.terminal.expect(shown, after=self.at)

    def leave(self):
        self.terminal.press_control("D")
        self.test.assertEqual(self.terminal.wait(), DONE)


class Typing(HearthTest):
    def test_a_paste_of_several_lines_is_one_question(self):
        chat = Chat(self)
        chat.type(PASTE.format("one\rtwo\rthree"), "[pasted #1, 3 lines]")
        chat.hears("", "one\ntwo\nthree")
        chat.hears("again " + PASTE.format("a\nb") + " " + PASTE.format("c\n\nd\n"), "again a\nb c\n\nd")
        chat.leave()

    def test_a_large_paste_arrives_whole(self):
        chat = Chat(self, "--ctx", "200000")
        lines = [f"line {number} of many" for number in range(2000)]
        chat.type(PASTE.format("\r".join(lines)), "[pasted #1, 2000 lines]")
        self.assertTrue(chat.enter("").endswith("\n" + "\n".join(lines) + "\n"))
        chat.leave()

    def test_a_paste_of_one_line_can_be_edited(self):
        chat = Chat(self)
        chat.hears(PASTE.format("grüße\r") + BACKSPACE + "en", "grüßen")
        chat.leave()

    def test_texts_of_several_lines(self):
        chat = Chat(self)
        chat.hears(f"one{ALT_ENTER}two", "one\ntwo")
        after = chat.at
        chat.terminal.type('"""three\r')
        chat.terminal.expect("... ", after=after)
        chat.hears('four"""', "three\nfour")
        after = chat.at
        chat.terminal.type("five\\\r")
        chat.terminal.expect("... ", after=after)
        chat.hears("six", "five\nsix")
        chat.leave()

    def test_characters_of_several_bytes_are_edited_whole(self):
        chat = Chat(self)
        chat.hears(f"naïvé{BACKSPACE}e", "naïve")
        chat.hears(f"日本語{LEFT}{LEFT}{BACKSPACE}x", "x本語")
        chat.hears(f"ab🙂{BACKSPACE}c", "abc")
        chat.leave()

    def test_a_resize_keeps_the_line(self):
        chat = Chat(self)
        after = chat.type("a line that is longer than the window will be soon, so that it has to wrap", "has to wrap")
        fcntl.ioctl(chat.terminal.master, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 40, 0, 0))
        chat.at = chat.terminal.expect(">>> ", after=after)
        chat.hears(", done", "a line that is longer than the window will be soon, so that it has to wrap, done")
        chat.leave()

    def test_control_c_at_the_prompt_forgets_a_begun_text(self):
        chat = Chat(self)
        chat.terminal.type('"""never sent\r')
        after = chat.terminal.expect("... ", after=chat.at)
        chat.terminal.press_control("C")
        chat.at = chat.terminal.expect(PROMPT, after=after)
        chat.hears("sent", "sent")
        chat.leave()

    def test_control_c_stops_the_answer_alone(self):
        chat = Chat(self)
        chat.enter("/set parameter echo_repeat 100000")
        chat.enter("/set parameter echo_delay_ms 5")
        chat.terminal.type("word\r")
        said = chat.terminal.expect("word word word", after=chat.at)
        chat.terminal.press_control("C")
        chat.at = chat.terminal.expect(PROMPT, after=said)
        self.eventually(lambda: not any(row.get("active_requests") for row in self.client.get("/api/ps").json()["models"]), what="the request to end")
        chat.enter("/set parameter echo_repeat 1")
        chat.hears("go on", "go on")
        chat.leave()

    def test_an_editor_writes_the_question(self):
        editor = self.service.home / "editor"
        editor.write_text("#!/bin/sh\nprintf 'written\\nelsewhere\\n' >\"$1\"\n")
        editor.chmod(0o700)
        chat = Chat(self, environment={"VISUAL": str(editor)})
        chat.type("\x07", "[pasted #1, 2 lines]")
        chat.hears("", "written\nelsewhere")
        chat.leave()


class History(HearthTest):
    def test_the_next_conversation_remembers_what_was_typed(self):
        first = Chat(self)
        first.hears("what was that", "what was that")
        first.hears("what was that", "what was that")
        first.hears("grüße", "grüße")
        first.hears(PASTE.format("two\rlines"), "two\nlines")
        first.leave()
        file = self.service.home / "home/.local/state/hearth/history"
        self.assertEqual(stat.S_IMODE(os.stat(file).st_mode), 0o600)
        second = Chat(self)
        second.hears(UP * 3, "what was that")
        second.hears(UP * 2, "two\nlines")
        second.enter("/set history off")
        second.hears("a secret", "a secret")
        second.leave()
        self.assertNotIn("a secret", file.read_text())


class SlashCommands(HearthTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.service.add_model(models.small_valid(cls.service.home))
        (cls.service.home / "my notes.txt").write_text("buy milk\n")

    def chat(self, *arguments, **more):
        return Chat(self, *arguments, model="small", **more)

    def test_completion(self):
        chat = self.chat()
        for keys, shown in [("/ret\t", "ry "), ("/set for\t", "mat "), ("/set parameter temp\t", "erature "), ("/load sm\t", "all:latest"),
                            ("/file my\t", "notes.txt"), ("/show li\t", "cense")]:
            with self.subTest(keys):
                after = chat.type(keys, shown)
                chat.terminal.press_control("C")
                chat.at = chat.terminal.expect(PROMPT, after=after)
        after = chat.type("/s\t", "/save")
        for name in ("/set", "/show", "/stats"):
            chat.terminal.expect(name, after=after)
        chat.at = chat.terminal.expect(">>> /s", after=after)
        self.assertIn("no system", chat.enter("how system"), "the line goes on where it was")
        chat.leave()

    def test_file_goes_with_the_next_question(self):
        chat = self.chat()
        self.assertIn("my notes.txt (text, 9 bytes) goes with the next question", chat.enter("/file my notes.txt"))
        chat.hears("what?", "what?\n\nmy notes.txt:\n```\nbuy milk\n```")
        chat.hears("and?", "and?")
        self.assertIn("error: there is no file absent.txt", chat.enter("/file absent.txt"))
        chat.leave()

    def test_retry_and_stats_and_clear(self):
        chat = self.chat()
        self.assertIn("no answer yet", chat.enter("/stats"))
        chat.hears("first", "first")
        chat.hears("/retry", "first")
        self.assertRegex(chat.enter("/stats"), r"messages  2\n(.|\n)*answer +\d+ tokens")
        self.assertIn("forgotten", chat.enter("/clear"))
        self.assertIn("no question", chat.enter("/retry"))
        chat.leave()

    def test_settings(self):
        chat = self.chat()
        self.assertIn("temperature is 0.5", chat.enter("/set parameter temperature 0.5"))
        self.assertIn("temperature", chat.enter("/show parameters"))
        self.assertIn("did you mean: /set parameter temperature", chat.enter("/set parameter temprature 1"))
        chat.enter("/set parameter num_predict 2")
        self.assertRegex(chat.enter("one two three"), r"\none two ?\n$")
        self.assertIn("instructions are the model's own", chat.enter("/set system"))
        chat.enter("/set system be brief")
        self.assertIn("be brief", chat.enter("/show system"))
        chat.enter("/set verbose on")
        self.assertRegex(chat.enter("one"), r"answer +1 tokens")
        for name in ("system", "parameter", "format", "think", "keep-alive", "verbose", "history"):
            self.assertIn(name, chat.enter("/set"))
        self.assertIn("Model", chat.enter("/show info"))
        chat.leave()

    def test_save_makes_a_model_that_goes_on(self):
        self.addCleanup(self.client.request, "DELETE", "/api/delete", {"model": "mine"})
        chat = self.chat()
        chat.enter("/set system You are mine.")
        chat.enter("/set parameter seed 7")
        chat.hears("remember this", "remember this")
        self.assertIn("hearth run mine goes on from here", chat.enter("/save mine"))
        about = self.client.post("/api/show", {"model": "mine"}).json()
        self.assertEqual(about["system"], "You are mine.")
        self.assertRegex(about["parameters"], r"seed +7")
        self.assertEqual([message["content"] for message in about["messages"]], ["remember this", "remember this"])
        self.assertIn("talking with mine", chat.enter("/load mine"))
        chat.hears("more", "more")
        chat.enter("/save mine")
        about = self.client.post("/api/show", {"model": "mine"}).json()
        self.assertEqual([message["content"] for message in about["messages"]], ["remember this"] * 2 + ["more"] * 2)
        chat.leave()

    def test_help_and_the_unknown(self):
        chat = self.chat()
        shown = chat.enter("/help")
        for name in ("/set", "/show", "/load", "/save", "/clear", "/file", "/retry", "/stats", "/bye"):
            self.assertIn(name, shown)
        self.assertIn("did you mean: /retry", chat.enter("/rety"))
        chat.terminal.type("/bye\r")
        self.assertEqual(chat.terminal.wait(), DONE)


class OneShot(HearthTest):
    """Files and formats without a conversation."""

    def test_files_go_between_the_question_and_the_pipe(self):
        (self.service.home / "a.txt").write_text("alpha")
        result = self.service.cli("run", "--backend", "echo", "x", "compare", "-f", "a.txt", stdin="from the pipe")
        self.assert_exit(result, DONE)
        self.assertEqual(result.stdout, "compare\n\na.txt:\n```\nalpha\n```\n\nfrom the pipe\n")
        self.assertEqual(result.stderr, "", "nothing but the answer in a pipe")

    def test_a_picture_is_refused_by_a_model_that_reads_text(self):
        model = self.service.add_model(models.small_valid(self.service.home))
        (self.service.home / "p.gif").write_bytes(b"GIF89a")
        result = self.service.cli("run", model, "what?", "-f", "p.gif")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, "does not support images\nhint: ")

    def test_keep_alive_unloads_at_once(self):
        self.assert_exit(self.service.cli("run", "--backend", "echo", "brief", "hello", "--keep-alive", "0"), DONE)
        self.eventually(lambda: "brief:latest" not in self.service.loaded() and "brief" not in self.service.loaded(), what="the model to go")


@needs_llama
class Formats(HearthTest):
    def test_the_answer_has_the_shape_of_the_schema(self):
        name = self.service.add_model(models.tiny())
        schema = {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"], "additionalProperties": False}
        (self.service.home / "schema.json").write_text(json.dumps(schema))
        result = self.service.cli("run", name, "Is it?", "--format", "schema.json", "--seed", "1")
        self.assert_exit(result, DONE)
        self.assertIsInstance(json.loads(result.stdout)["yes"], bool)


if __name__ == "__main__":
    unittest.main()
