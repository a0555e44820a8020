// The program on a real terminal: a conversation, and what a person sees.
#include "tests/cli/hearth_process.hpp"
#include "tests/cli/terminal_session.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <latch>
#include <sstream>

namespace hearth::testing {
namespace {

const std::string answer_line = R"({"message":{"role":"assistant","content":"Hello"},"done":true})";

class TerminalProgram : public HearthProgramTest {
  protected:
    TerminalProgram() { service_->on_lines("POST /api/chat", {answer_line}); }
    Json last_messages() { return Json::parse(service_->last_body("POST /api/chat"))["messages"]; }
};

TEST_F(TerminalProgram, TalksUntilBye) {
    TerminalSession session(program_, {"run", "m"}, environment_);
    session.expect(">>> ");
    session.type("first\r");
    session.expect("Hello\r\n");
    session.expect(">>> ");
    session.type("second\r");
    session.expect("Hello\r\n");
    session.expect(">>> ");
    EXPECT_EQ(last_messages().dump(),
              R"([{"content":"first","role":"user"},{"content":"Hello","role":"assistant"},)"
              R"({"content":"second","role":"user"}])");
    session.type("/bye\r");
    EXPECT_EQ(session.exit_code(), 0);
}

TEST_F(TerminalProgram, KnowsItsSlashCommandsAndLongTexts) {
    TerminalSession session(program_, {"run", "m"}, environment_);
    session.expect(">>> ");
    session.type("/set system be brief\r");
    session.expect("instructions are set");
    session.expect(">>> ");
    session.type("x\r");
    session.expect("Hello\r\n");
    session.expect(">>> ");
    session.type("/clear\r");
    session.expect("forgotten");
    session.expect(">>> ");
    session.type("\"\"\"one\r");
    session.expect("... ");
    session.type("two\"\"\"\r");
    session.expect("Hello\r\n");
    session.expect(">>> ");
    EXPECT_EQ(last_messages().dump(),
              R"([{"content":"be brief","role":"system"},{"content":"one\ntwo","role":"user"}])");
    session.type("/frob\r");
    session.expect("/frob is not a command");
    session.expect(">>> ");
    session.type("\x04");
    EXPECT_EQ(session.exit_code(), 0);
}

TEST_F(TerminalProgram, StopsTheAnswerAndNotItselfOnCtrlC) {
    TerminalSession session(program_, {"run", "m"}, environment_);
    session.expect(">>> ");
    std::latch hung_up(1);
    service_->on("POST /api/chat", [&](const FakeExchange& exchange) {
        exchange.begin_chunks();
        exchange.chunk("{\"message\":{\"content\":\"partial\"},\"done\":false}\n");
        exchange.wait_for_hangup();
        hung_up.count_down();
    });
    session.type("x\r");
    session.expect("partial");
    session.press("\x03");
    hung_up.wait();
    session.expect(">>> ");
    service_->on_lines("POST /api/chat", {answer_line});
    session.type("y\r");
    session.expect("Hello\r\n");
    session.expect(">>> ");
    EXPECT_EQ(last_messages()[1]["content"], "partial");
    session.type("half a line\x03");
    session.expect(">>> ");
    session.type("\x04");
    EXPECT_EQ(session.exit_code(), 0);
}

TEST_F(TerminalProgram, ShowsWhatIsLoadedInEightyColumns) {
    service_->on(
        "GET /api/ps", 200,
        R"({"models":[{"name":"hf.co/an-organisation/a-model-with-a-long-name-GGUF:Q4_K_M","size":4100000000,"state":"ready",)"
        R"("context_length":131072,"expires_at":"2318-01-01T00:00:00Z","active_requests":0,"waiting_requests":0,)"
        R"("devices":[{"id":"cpu","bytes":1100000000},{"id":"cuda0","bytes":3000000000}],"users":[],)"
        R"("reason":"asked for by open-webui 4 minutes ago"},)"
        R"({"name":"b","size":1000000,"state":"ready","context_length":512,"expires_at":"2318-01-01T00:00:00Z",)"
        R"("active_requests":2,"waiting_requests":3,"devices":[{"id":"cpu","bytes":1000000}],)"
        R"("users":[{"app":"/usr/bin/python3.11","requests":2}],"reason":"in use"}]})");
    TerminalSession session(program_, {"ps"}, environment_);
    std::istringstream screen(session.read_to_end());
    std::vector<std::string> lines;
    for (std::string line; std::getline(screen, line);) {
        lines.push_back(line.substr(0, line.find('\r')));
    }
    ASSERT_EQ(lines.size(), 3u);
    for (const std::string& line : lines) {
        EXPECT_LE(std::ranges::count_if(line, [](unsigned char c) { return (c & 0xc0) != 0x80; }), 80)
            << line;
    }
    EXPECT_NE(lines[1].find("3.0 GB cuda0"), std::string::npos) << lines[1];
    EXPECT_NE(lines[1].find("forever"), std::string::npos) << lines[1];
    EXPECT_NE(lines[1].find("nobody"), std::string::npos) << lines[1];
    EXPECT_NE(lines[2].find("python3.11 x2"), std::string::npos) << lines[2];
    EXPECT_NE(lines[2].find("in use"), std::string::npos) << lines[2];
    EXPECT_EQ(session.exit_code(), 0);
}

TEST_F(TerminalProgram, WipesWhatTheAnswerWaitedFor) {
    service_->on_lines("POST /api/generate", {R"({"status":"waiting","ahead":1,"reason":"small is in use"})",
                                              R"({"status":"loading","stage":"weights","fraction":0.25})",
                                              R"({"response":"Hello","done":true})"});
    TerminalSession session(program_, {"run", "m", "x"}, environment_);
    session.expect("\rwaiting: 1 ahead, small is in use\x1b[K");
    session.expect("\rloading weights 25%\x1b[K");
    session.expect("\r\x1b[KHello");
    EXPECT_EQ(session.exit_code(), 0);
}

TEST_F(TerminalProgram, SaysAtOnceThatAModelIsBroken) {
    service_->on("POST /api/chat", 500, R"({"error":"no tensors","code":"model.load_failed"})");
    TerminalSession session(program_, {"run", "m"}, environment_);
    session.expect("error: no tensors");
    EXPECT_EQ(session.exit_code(), 1);
}

TEST_F(TerminalProgram, ShowsNoEscapeSequenceOfAModel) {
    service_->on_lines("POST /api/generate", {R"({"response":"a\u001b]0;owned\u0007b","done":true})"});
    TerminalSession session(program_, {"run", "m", "x"}, environment_);
    session.expect("a\xEF\xBF\xBD]0;owned\xEF\xBF\xBD"
                   "b\r\n");
    EXPECT_EQ(session.exit_code(), 0);
}

TEST_F(TerminalProgram, ShowsThoughtsDimmedBeforeTheAnswer) {
    service_->on_lines("POST /api/generate", {R"({"response":"","thinking":"let me","done":false})",
                                              R"({"response":"","thinking":" see","done":false})",
                                              R"({"response":"Hello","done":true})"});
    TerminalSession session(program_, {"run", "m", "x"}, environment_);
    session.expect("\x1b[2mlet me see\x1b[0m\r\n\r\nHello");
    EXPECT_EQ(session.exit_code(), 0);
}

TEST_F(TerminalProgram, DrawsABarWhileItPulls) {
    service_->on_lines("POST /api/pull",
                       {R"({"status":"pulling 6a07","digest":"sha256:6a07","total":1000,"completed":500})",
                        R"({"status":"success"})"});
    TerminalSession session(program_, {"pull", "m"}, environment_);
    session.expect("6a07  [===");
    session.expect("50%  500 B of 1.0 KB");
    session.expect("pulled m (1.0 KB)");
    EXPECT_EQ(session.exit_code(), 0);
}

TEST_F(TerminalProgram, ShowsTablesForPeople) {
    service_->on(
        "GET /api/tags", 200,
        R"({"models":[{"name":"a","size":4100000000,"digest":"0123456789abcdef","modified_at":"2023-11-14T22:13:20Z"}]})");
    TerminalSession session(program_, {"list"}, environment_);
    session.expect("NAME    ID              SIZE      MODIFIED");
    session.expect("a       0123456789ab    4.1 GB    ");
    session.expect(" ago");
    EXPECT_EQ(session.exit_code(), 0);
}

} // namespace
} // namespace hearth::testing
