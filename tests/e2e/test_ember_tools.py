"""What makes Ember (tools/ember): the corpus names what exists, and vocabulary, template and file are what the engine reads."""
import json
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import judges
from harness import BIN, ROOT, HearthTest, needs_llama

TOOLS = ROOT / "tools/ember"
sys.path.insert(0, str(TOOLS))

import chat  # noqa: E402
import check_corpus  # noqa: E402
import cli_facts  # noqa: E402
import forms  # noqa: E402
from dialogues import Sampler  # noqa: E402
from entries import read_corpus  # noqa: E402
from tokenizer import Tokenizer  # noqa: E402

ODD_TEXTS = [
    "", " ", "  two  blanks ", "\n\n\ttab and lines \n", "don't we'll I'M it's", "caf\u00e9 na\u00efve \u00fcber", "\u6f22\u5b57 \u3053\u3093\u306b\u3061\u306f", "\U0001f525\U0001f44d\U0001f3fd fire",
    "x\u00a0y\u2003z", "\u0663\u0664 \u00bd \u2160", "a1b2c3 0.5b llama3.2:1b", "--kv q8_0 `hearth run MODEL --temp 0 \"...\"`", "$HEARTH_DATA/plugins", "\x00\x7f\x1b[0m",
    "e\u0301 combining", "\u202eright to left", "trailing   ", "'s's 't", "....!!??", "<|end|> is text here", "A" * 300,
]


def untrained(folder):
    """Ember's shape, vocabulary and template, with weights that mean nothing."""
    path = Path(folder) / "ember.gguf"
    subprocess.run([sys.executable, TOOLS / "export.py", "--untrained", path], check=True, stdout=subprocess.DEVNULL)
    return path


def drawn_dialogues(count):
    source = random.Random("tests")
    sampler = Sampler(read_corpus())
    return [sampler.draw(source) for _ in range(count)]


class EmberCorpus(unittest.TestCase):
    def test_holds_at_most_sixty_percent_of_the_5_grams_of_a_held_back_question(self):
        result = subprocess.run([sys.executable, TOOLS / "overlap.py", ROOT / "tests/ember/questions.json"], capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(result.stdout)["above_limit"], 0)

    def test_says_what_is_so(self):
        result = subprocess.run([sys.executable, TOOLS / "check_corpus.py", BIN], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout[-3000:] + result.stderr[-2000:])

    def test_a_command_or_option_that_goes_is_noticed(self):
        corpus, facts = read_corpus(), cli_facts.read_facts(BIN)
        self.assertEqual(check_corpus.wrong_commands(corpus, facts), [])
        del facts.commands["quantize"]
        self.assertIn("hearth quantize", " ".join(check_corpus.wrong_commands(corpus, facts)))
        facts = cli_facts.read_facts(BIN)
        facts.commands["run"].discard("--temp")
        self.assertIn("hearth run --temp", " ".join(check_corpus.wrong_commands(corpus, facts)))

    def test_a_new_command_is_no_mistake(self):
        facts = cli_facts.read_facts(BIN)
        facts.commands["brandnew"] = {"--shiny"}
        self.assertEqual(check_corpus.wrong_commands(read_corpus(), facts), [])

    def test_inventions_are_seen_in_any_text(self):
        facts = cli_facts.read_facts(BIN)
        self.assertEqual(cli_facts.inventions("Run `hearth stop $(hearth ps -q)`, or `hearthd --listen 127.0.0.1:1`.", facts), [])
        self.assertEqual(cli_facts.inventions("Run `hearth evict MODEL --now`.", facts), ["hearth evict"])
        self.assertEqual(cli_facts.inventions("Run `hearth stop --hard MODEL`.", facts), ["hearth stop --hard"])
        self.assertEqual(cli_facts.inventions("type hearth vanish, or use --frobnicate", facts), ["hearth vanish", "--frobnicate"])
        self.assertEqual(cli_facts.inventions("Run `hearth config set runtime.keep_alive 30m`, then `hearth service begin`.", facts), ["hearth service begin"])

    def test_a_pattern_stands_in_the_sentences_of_its_kind(self):
        said = {"free memory": "freeing memory", "use it": "using it", "get rid of it": "getting rid of it", "stop all": "stopping all", "load two": "loading two",
                "see it": "seeing it", "be quick": "being quick", "not keep it": "not keep it"}
        self.assertEqual({text: forms.gerund(text) for text in said}, said)
        self.assertEqual(forms.put("how about {ing}", "free memory"), "how about freeing memory")
        self.assertEqual(forms.put("how do i {}", "free memory"), "how do i free memory")

    def test_an_answer_may_be_named_by_its_beginning(self):
        corpus = read_corpus()
        answers = {entry.answer for entry in corpus.entries}
        said = [after.answer for entry in corpus.entries for after in entry.follow_ups]
        self.assertFalse([answer for answer in said if answer.startswith("+")])
        self.assertGreater(sum(answer in answers for answer in said), len(said) // 2)


def has_torch():
    return shutil.which("cc") and Path("/usr/lib/python3/dist-packages/torch").exists()


@unittest.skipUnless(has_torch(), "python3-torch or a C compiler is not here")
class EmberTraining(unittest.TestCase):
    def test_the_kernels_compute_what_pytorch_does(self):
        result = subprocess.run(["/usr/bin/python3", TOOLS / "check_kernels.py"], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr[-2000:])

    def test_the_kernels_are_refused_for_what_they_do_not_do(self):
        for words in (["--device", "cuda"], ["--question-weight", "0.1"]):
            result = subprocess.run(["/usr/bin/python3", TOOLS / "train.py", "/nowhere", "--kernels", *words], capture_output=True, text=True)
            self.assertEqual(result.returncode, 2, words)
            self.assertIn("--kernels", result.stderr.splitlines()[-1])


@needs_llama
class EmberInOurRunner(HearthTest):
    def test_is_an_ordinary_model(self):
        with tempfile.TemporaryDirectory(prefix="hearth-ember-") as folder:
            name = self.service.add_model(untrained(folder))
        shown = self.client.post("/api/show", {"model": name}).json()
        self.assertEqual(shown["model_info"]["general.name"], "Ember")
        self.assertEqual(shown["template"], chat.template())
        messages = [{"role": "system", "content": "ignored"}, {"role": "user", "content": "Hello?"}]
        body = {"model": name, "messages": messages, "stream": False, "options": {"temperature": 0, "num_predict": 8}}
        answer = self.client.post("/api/chat", body).json()
        read = len(Tokenizer.load().encode(" hello")) + 2  # with the marks of the user and of Ember; the system text is left out
        self.assertEqual(answer["prompt_eval_count"], read, answer)
        self.assertTrue(answer["message"]["content"], answer)


@unittest.skipUnless(judges.AVAILABLE, "llama-server has not been built")
class EmberInLlamaServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="hearth-ember-"))
        cls.judge = judges.LlamaServer(untrained(folder), context=1024)
        cls.addClassCleanup(cls.judge.stop)

    def test_reads_the_same_tokens(self):
        tokenizer = Tokenizer.load()
        texts = list(ODD_TEXTS)
        for dialogue in drawn_dialogues(300):
            texts += [text for question, answer in dialogue for text in (" " + question, answer)]
        for text in texts:
            got = self.judge.post("/tokenize", {"content": text, "add_special": False, "parse_special": False}).json()["tokens"]
            self.assertEqual(got, tokenizer.encode(text), json.dumps(text))

    def test_makes_the_same_prompt(self):
        conversations = [[("user", text)] for text in ODD_TEXTS]
        conversations += [[("system", "Be brief."), ("user", "Hello, World!\nHow  are you?")],
                          [("user", "One"), ("assistant", "Two."), ("user", "Three (3)?"), ("assistant", "Four, five."), ("user", "`Six` \u201cseven\u201d\u2026")]]
        for conversation in conversations:
            messages = [{"role": role, "content": content} for role, content in conversation]
            got = self.judge.post("/apply-template", {"messages": messages}).json()["prompt"]
            self.assertEqual(got, chat.prompt(conversation), conversation)


if __name__ == "__main__":
    unittest.main()
