#include "tests/cli/hearth_process.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <fstream>
#include <latch>

namespace hearth::testing {
namespace {

using ::testing::HasSubstr;

const std::string not_found = R"({"error":"model 'm' not found","code":"model.not_found"})";

class ChatProgram : public HearthProgramTest {
  protected:
    const std::vector<std::string> answer_{
        R"({"model":"m","response":"Hel","done":false})", R"({"model":"m","response":"lo","done":false})",
        R"({"model":"m","response":"","done":true,"done_reason":"stop","total_duration":2000000000,)"
        R"("prompt_eval_count":10,"prompt_eval_duration":500000000,"eval_count":2,"eval_duration":1000000000})"};
    std::string write(const std::string& name, const std::string& content) {
        const auto path = dir_.path() / name;
        std::ofstream(path, std::ios::binary) << content;
        return path.string();
    }
    Json asked() { return Json::parse(service_->last_body("POST /api/generate")); }
};

TEST_F(ChatProgram, PrintsTheAnswerAndNothingElse) {
    service_->on_lines("POST /api/generate", answer_);
    const ProgramResult result = hearth({"run", "m", "say", "hello"});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.out, "Hello\n");
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(asked(), Json::parse(R"({"model":"m","stream":true,"progress":true,"prompt":"say hello"})"));
}

TEST_F(ChatProgram, TellsWhatItWaitsForOnStderr) {
    std::vector<std::string> lines{
        R"({"status":"waiting","ahead":2,"reason":"small is in use by 1 request"})",
        R"({"status":"waiting","ahead":2,"reason":"small is in use by 1 request"})",
        R"({"status":"waiting","ahead":0,"reason":""})",
        R"({"status":"loading","stage":"weights","fraction":0.5})"};
    lines.insert(lines.end(), answer_.begin(), answer_.end());
    service_->on_lines("POST /api/generate", lines);
    const ProgramResult result = hearth({"run", "m", "x"});
    EXPECT_EQ(result.out, "Hello\n");
    EXPECT_EQ(result.err, "waiting: 2 ahead, small is in use by 1 request\nwaiting: next\n");
}

TEST_F(ChatProgram, AsksForNoProgressThatNobodyReads) {
    service_->on_lines("POST /api/generate", answer_);
    hearth({"run", "m", "x", "-q"});
    EXPECT_FALSE(asked().contains("progress"));
    hearth({"run", "m", "x", "--json"});
    EXPECT_FALSE(asked().contains("progress"));
}

TEST_F(ChatProgram, SendsItsOptions) {
    service_->on_lines("POST /api/generate", answer_);
    hearth({"run", "m", "x", "--system", "s", "--backend", "echo", "--keep-alive", "-1", "--ctx", "64",
            "--temp", "0.5", "--seed", "7", "--max-tokens", "9"});
    const Json request = asked();
    EXPECT_EQ(request["system"], "s");
    EXPECT_EQ(request["backend"], "echo");
    EXPECT_EQ(request["keep_alive"], -1);
    EXPECT_EQ(request["options"],
              Json::parse(R"({"num_ctx":64,"temperature":0.5,"seed":7,"num_predict":9})"));
}

TEST_F(ChatProgram, AppendsPipedInputToThePrompt) {
    service_->on_lines("POST /api/generate", answer_);
    hearth({"run", "m", "summarise"}, "the text\n");
    EXPECT_EQ(asked()["prompt"], "summarise\n\nthe text\n");
    hearth({"run", "m"}, "only this");
    EXPECT_EQ(asked()["prompt"], "only this");
}

TEST_F(ChatProgram, PutsFilesBetweenTheQuestionAndThePipe) {
    service_->on_lines("POST /api/generate", answer_);
    const std::string notes = write("notes.txt", "buy milk\n");
    const std::string list = write("list.md", "one");
    hearth({"run", "m", "-f", notes, "compare", "--file", list, "these"}, "the pipe");
    EXPECT_EQ(asked()["prompt"],
              "compare these\n\nnotes.txt:\n```\nbuy milk\n```\n\nlist.md:\n```\none\n```\n\nthe pipe");
    hearth({"run", "m", "-f", list});
    EXPECT_EQ(asked()["prompt"], "list.md:\n```\none\n```");
}

TEST_F(ChatProgram, RefusesAPipeThatIsNoText) {
    const ProgramResult result =
        hearth({"run", "m", "what is this?"}, std::string("\x89PNG\r\n\x1a\n\0\1", 10));
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.err, "error: what is piped in is not text\nhint: a picture goes with -f FILE\n");
    EXPECT_TRUE(service_->requests().empty());
}

TEST_F(ChatProgram, SendsPicturesBesideTheQuestion) {
    service_->on_lines("POST /api/generate", answer_);
    const std::string picture = write("dot", std::string("\x89PNG\r\n\x1a\n\0\1", 10));
    hearth({"run", "m", "-f", picture, "what is this?"});
    EXPECT_EQ(asked()["prompt"], "what is this?");
    EXPECT_EQ(asked()["images"], Json::parse(R"(["iVBORw0KGgoAAQ=="])"));
}

TEST_F(ChatProgram, SaysWhichFileItCannotTake) {
    const std::string absent = (dir_.path() / "absent.txt").string();
    const ProgramResult result = hearth({"run", "m", "-f", absent, "x"});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.err, "error: there is no file " + absent + "\n");
    EXPECT_EQ(hearth({"run", "m", "-f", dir_.path().string(), "x"}).exit_code, 2);
    const ProgramResult binary = hearth({"run", "m", "-f", write("b", std::string("\0\1", 2)), "x"});
    EXPECT_THAT(binary.err, HasSubstr("is neither a text nor a picture\nhint: "));
    EXPECT_TRUE(service_->requests().empty());
}

TEST_F(ChatProgram, PassesOnThatTheModelTakesNoPictures) {
    service_->on(
        "POST /api/generate", 400,
        R"({"error":"\"m\" does not support images","code":"unsupported","hint":"it has: completion"})");
    const ProgramResult result = hearth({"run", "m", "-f", write("p", "GIF89a..."), "x"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.err, "error: \"m\" does not support images\nhint: it has: completion\n");
}

TEST_F(ChatProgram, AsksForTheFormatOfTheAnswer) {
    service_->on_lines("POST /api/generate", answer_);
    hearth({"run", "m", "x", "--format", "json"});
    EXPECT_EQ(asked()["format"], "json");
    hearth({"run", "m", "x", "--format", write("s.json", R"({"type":"array"})")});
    EXPECT_EQ(asked()["format"], Json::parse(R"({"type":"array"})"));
    hearth({"run", "m", "x", "--format", write("s.json", R"({"why": {}, "answer": {}})")});
    const std::string body = service_->last_body("POST /api/generate");
    EXPECT_NE(body.find(R"("format":{"why":{},"answer":{}})"), std::string::npos) << body;
}

TEST_F(ChatProgram, RefusesAFormatThatIsNoSchemaBeforeItAsks) {
    EXPECT_EQ(hearth({"run", "m", "x", "--format", "jsn"}).exit_code, 2);
    EXPECT_EQ(hearth({"run", "m", "x", "--format", write("list.json", "[1]")}).exit_code, 2);
    EXPECT_EQ(hearth({"run", "m", "x", "--format", write("bad.json", "{")}).exit_code, 2);
    EXPECT_TRUE(service_->requests().empty());
}

TEST_F(ChatProgram, WithoutAnyPromptIsAUsageError) {
    const ProgramResult result = hearth({"run", "m"}, " \n");
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("error: there is no prompt\n"));
    EXPECT_TRUE(service_->requests().empty());
}

TEST_F(ChatProgram, PrintsTimingsToStderrWhenItIsVerbose) {
    service_->on_lines("POST /api/generate", answer_);
    const ProgramResult result = hearth({"run", "m", "x", "--verbose"});
    EXPECT_EQ(result.out, "Hello\n");
    EXPECT_THAT(result.err, HasSubstr("prompt    10 tokens, 0.500 s, 20.0 tokens/s\n"));
    EXPECT_THAT(result.err, HasSubstr("answer    2 tokens, 1.000 s, 2.0 tokens/s\n"));
}

TEST_F(ChatProgram, PrintsEventsAsJson) {
    service_->on_lines("POST /api/generate", answer_);
    const auto events = hearth_json({"run", "m", "x"});
    ASSERT_EQ(events.size(), 3u);
    EXPECT_EQ(events[0]["response"], "Hel");
    EXPECT_EQ(events[2]["done"], true);
}

TEST_F(ChatProgram, KeepsThoughtsOutOfAPipe) {
    std::vector<std::string> lines = answer_;
    lines.insert(lines.begin(), R"({"model":"m","response":"","thinking":"hm","done":false})");
    service_->on_lines("POST /api/generate", lines);
    EXPECT_EQ(hearth({"run", "m", "x", "--think", "low"}).out, "Hello\n");
    EXPECT_EQ(asked()["think"], "low");
    hearth({"run", "m", "x", "--think", "off"});
    EXPECT_EQ(asked()["think"], false);
    EXPECT_EQ(hearth({"run", "m", "x", "--think", "deeply"}).exit_code, 2);
}

TEST_F(ChatProgram, PullsAnAbsentModelAndAsksAgain) {
    int asked_times = 0;
    service_->on("POST /api/generate", [&](const FakeExchange& exchange) {
        if (++asked_times == 1) {
            exchange.answer(404, not_found);
            return;
        }
        exchange.begin_chunks();
        for (const std::string& line : answer_) {
            exchange.chunk(line + "\n");
        }
        exchange.end_chunks();
    });
    service_->on_lines("POST /api/pull", {R"({"status":"success"})"});
    const ProgramResult result = hearth({"run", "m", "x"});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.out, "Hello\n");
    EXPECT_THAT(result.err, HasSubstr("pulled m"));
}

TEST_F(ChatProgram, EndsWithThreeWhenTheModelIsNowhere) {
    service_->on("POST /api/generate", 404, not_found);
    service_->on_lines("POST /api/pull", {not_found});
    EXPECT_EQ(hearth({"run", "m", "x"}).exit_code, 3);
}

TEST_F(ChatProgram, PrintsWhatCameBeforeAnErrorAndFails) {
    service_->on_lines("POST /api/generate",
                       {answer_[0], R"({"error":"the runner ended","code":"runner.lost"})"});
    const ProgramResult result = hearth({"run", "m", "x"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.out, "Hel\n");
    EXPECT_EQ(result.err, "error: the runner ended\n");
}

TEST_F(ChatProgram, SaysHowToGetRoom) {
    service_->on("POST /api/generate", 400, R"({"error":"too long","code":"context.exceeded"})");
    const ProgramResult result = hearth({"run", "m", "x"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.err,
              "error: too long\nhint: --ctx TOKENS makes room, up to the context length in hearth show\n");
}

TEST_F(ChatProgram, IsInterruptedInTheMiddleAndHangsUp) {
    std::latch hung_up(1);
    service_->on("POST /api/generate", [&](const FakeExchange& exchange) {
        exchange.begin_chunks();
        exchange.chunk(answer_[0] + "\n");
        exchange.wait_for_hangup();
        hung_up.count_down();
    });
    HearthProcess process(program_, {"run", "m", "x"}, environment_, "");
    process.wait_for_out("Hel");
    process.signal(SIGINT);
    EXPECT_EQ(process.finish().exit_code, 130);
    hung_up.wait();
}

TEST_F(ChatProgram, EndsQuietlyWhenItsReaderLeaves) {
    const auto talk = [line =
                           answer_[0] + "\n"](const FakeExchange& exchange) { // may outlive the test's body
        exchange.begin_chunks();
        for (int i = 0; i < 100000; ++i) {
            exchange.chunk(line);
        }
        exchange.wait_for_hangup();
    };
    service_->on("POST /api/generate", talk);
    const std::string script = "trap '' PIPE; " + program_ + " run m x | head -c 3";
    const ProgramResult result = HearthProcess("/bin/sh", {"-c", script}, environment_, "").finish();
    EXPECT_EQ(result.out, "Hel");
    EXPECT_EQ(result.err, "");
}

} // namespace
} // namespace hearth::testing
