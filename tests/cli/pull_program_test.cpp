#include "tests/cli/hearth_process.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <fstream>
#include <latch>

namespace hearth::testing {
namespace {

using ::testing::HasSubstr;

class PullProgram : public HearthProgramTest {
  protected:
    const std::vector<std::string> lines_{
        R"({"status":"pulling manifest"})",
        R"({"status":"pulling 6a07","digest":"sha256:6a07","total":1000,"completed":500})",
        R"({"status":"pulling 6a07","digest":"sha256:6a07","total":1000,"completed":1000})",
        R"({"status":"verifying sha256 digest"})", R"({"status":"success"})"};
    std::string asked_model() { return Json::parse(service_->last_body("POST /api/pull"))["model"]; }
};

TEST_F(PullProgram, TellsItsProgressOnStderrAlone) {
    service_->on_lines("POST /api/pull", lines_);
    const ProgramResult result = hearth({"pull", "llama3.2", "--as", "mine"});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err, "pulling mine\npulling mine: 50% (500 B of 1.0 KB)\npulled mine (1.0 KB)\n");
    EXPECT_EQ(service_->last_body("POST /api/pull"), R"({"as":"mine","model":"llama3.2","stream":true})");
}

TEST_F(PullProgram, PrintsEventsAsJson) {
    service_->on_lines("POST /api/pull", lines_);
    const auto events = hearth_json({"pull", "llama3.2"});
    ASSERT_EQ(events.size(), lines_.size());
    EXPECT_EQ(events[1]["completed"], 500);
    EXPECT_EQ(events.back()["status"], "success");
}

TEST_F(PullProgram, SaysOnlyTheNameWhenItIsQuiet) {
    service_->on_lines("POST /api/pull", lines_);
    const ProgramResult result = hearth({"pull", "llama3.2", "-q"});
    EXPECT_EQ(result.out, "llama3.2\n");
    EXPECT_EQ(result.err, "");
}

TEST_F(PullProgram, SendsAFileAsAnAddress) {
    service_->on_lines("POST /api/pull", lines_);
    const std::string path = (dir_.path() / "m.gguf").string();
    std::ofstream(path) << "GGUF";
    hearth({"pull", path});
    EXPECT_EQ(asked_model(), "file://" + path);
    hearth({"pull", "./x/../y.gguf"});
    EXPECT_EQ(asked_model(), "file://" + (std::filesystem::current_path() / "y.gguf").string());
    hearth({"pull", "hf.co/org/m.gguf"});
    EXPECT_EQ(asked_model(), "hf.co/org/m.gguf");
}

TEST_F(PullProgram, ThrowsTheErrorOfItsStream) {
    service_->on_lines("POST /api/pull", {lines_[0], R"({"error":"sha256 is wrong","code":"blob.corrupt"})"});
    EXPECT_EQ(hearth({"pull", "m"}).exit_code, 1);
    service_->on_lines("POST /api/pull", {R"({"error":"denied","code":"registry.denied"})"});
    EXPECT_EQ(hearth({"pull", "m"}).exit_code, 6);
    service_->on_lines("POST /api/pull", {R"({"error":"full","code":"disk.full"})"});
    EXPECT_EQ(hearth({"pull", "m"}).exit_code, 4);
}

TEST_F(PullProgram, DoesNotTakeAnEndForASuccess) {
    service_->on_lines("POST /api/pull", {lines_[0]});
    EXPECT_EQ(hearth({"pull", "m"}).exit_code, 1);
}

TEST_F(PullProgram, IsInterruptedByCtrlC) {
    std::latch hung_up(1);
    service_->on("POST /api/pull", [&](const FakeExchange& exchange) {
        exchange.begin_chunks();
        exchange.chunk(lines_[1] + "\n");
        exchange.wait_for_hangup();
        hung_up.count_down();
    });
    HearthProcess process(program_, {"pull", "m", "--json"}, environment_, "");
    process.wait_for_out("500");
    process.signal(SIGINT);
    const ProgramResult result = process.finish();
    EXPECT_EQ(result.exit_code, 130);
    EXPECT_THAT(result.err, HasSubstr("run again to resume"));
    hung_up.wait();
}

} // namespace
} // namespace hearth::testing
