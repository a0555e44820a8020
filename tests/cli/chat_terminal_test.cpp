// A conversation on a real terminal: what the keys do, and what the service is asked.
#include "tests/cli/terminal_session.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

namespace hearth::testing {
namespace {

using ::testing::HasSubstr;

class ChatTerminal : public HearthProgramTest {
  protected:
    ChatTerminal() {
        service_->on_lines("POST /api/chat",
                           {R"({"message":{"role":"assistant","content":"Hello"},"done":true,)"
                            R"("total_duration":2000000000,"eval_count":7,"eval_duration":1000000000})"});
        service_->on("POST /api/show", 200,
                     R"({"system":"own text","parameters":"top_k 40","capabilities":["completion"],)"
                     R"("messages":[{"role":"user","content":"before"}]})");
        service_->on_lines("POST /api/create",
                           {R"({"status":"writing manifest"})", R"({"status":"success"})"});
        start();
    }
    void start(std::vector<std::string> arguments = {"run", "m"}) {
        session_.emplace(program_, std::move(arguments), environment_);
        session_->expect(prompt_);
    }
    /// Types at the prompt and waits for the next one. @return what the screen got between
    std::string enter(const std::string& keys) {
        session_->type(keys + "\r");
        return session_->read_until(prompt_);
    }
    /// Starts again, with an editor that runs that line of a shell; $1 is the draft.
    void use_editor(const std::string& script) {
        const std::string editor = write("editor", "#!/bin/sh\n" + script + "\n");
        std::filesystem::permissions(editor, std::filesystem::perms::owner_all);
        environment_["EDITOR"] = editor;
        environment_["PATH"] = "/usr/bin:/bin";
        start();
    }
    Json asked(const std::string& route = "POST /api/chat") {
        return Json::parse(service_->last_body(route));
    }
    Json messages() { return asked()["messages"]; }
    std::string last_question() { return messages().back()["content"]; }
    std::string write(const std::string& name, const std::string& content) {
        const auto path = dir_.path() / name;
        std::ofstream(path, std::ios::binary) << content;
        return path.string();
    }

    /// A new one: a line that is drawn again does not switch bracketed paste on.
    const std::string prompt_ = "\x1b[?2004h>>> ";
    std::optional<TerminalSession> session_;
};

TEST_F(ChatTerminal, TakesAPasteOfSeveralLinesAsOnePrompt) {
    session_->type("see \x1b[200~one\rtwo\rthree\x1b[201~ please");
    session_->expect("[pasted #1, 3 lines]");
    enter("");
    EXPECT_EQ(last_question(), "see one\ntwo\nthree please");
    EXPECT_EQ(messages().size(), 1u);
}

TEST_F(ChatTerminal, AsksAPasteAgainThatBeginsWithASlash) {
    session_->type("\x1b[200~/etc/hosts\ris what?\x1b[201~");
    session_->expect("[pasted #1, 2 lines]");
    enter("");
    enter("\x1b[A");
    EXPECT_EQ(messages().size(), 3u);
    EXPECT_EQ(last_question(), "/etc/hosts\nis what?");
}

TEST_F(ChatTerminal, PutsAPasteOfOneLineIntoTheLine) {
    enter("\x1b[200~grüße\r\x1b[201~!");
    EXPECT_EQ(last_question(), "grüße!");
}

TEST_F(ChatTerminal, EditsWholeCharacters) {
    enter("a日本ü\x1b[D\x7f!"); // left over ü, then away with 本
    EXPECT_EQ(last_question(), "a日!ü");
}

TEST_F(ChatTerminal, EditsUtf8WithoutALocale) {
    environment_["LC_ALL"] = "C";
    start();
    enter("aü\x7fö");
    EXPECT_EQ(last_question(), "aö");
}

TEST_F(ChatTerminal, BreaksTheLineOnAltEnter) {
    enter("one\x1b\rtwo");
    EXPECT_EQ(last_question(), "one\ntwo");
}

TEST_F(ChatTerminal, GoesOnAfterABackslash) {
    session_->type("one\\\r");
    session_->expect("... ");
    enter("two");
    EXPECT_EQ(last_question(), "one\ntwo");
}

TEST_F(ChatTerminal, RedrawsTheLineWhenTheTerminalIsResized) {
    session_->type("half");
    session_->expect("half");
    session_->resize(40);
    session_->expect(">>> half");
    enter(" and half");
    EXPECT_EQ(last_question(), "half and half");
}

TEST_F(ChatTerminal, TakesTheTerminalBackAfterAStop) {
    session_->type("half");
    session_->expect("half");
    session_->take_the_terminal();
    session_->signal(SIGCONT);
    session_->expect(">>> half");
    enter("\x7f"
          "o");
    EXPECT_EQ(last_question(), "halo");
}

TEST_F(ChatTerminal, ForgetsABegunTextOnCtrlC) {
    session_->type("\"\"\"one\r");
    session_->expect("... ");
    session_->type("\x03");
    session_->expect(prompt_);
    enter("two");
    EXPECT_EQ(last_question(), "two");
}

TEST_F(ChatTerminal, EndsOnSigterm) {
    session_->type("half");
    session_->expect("half");
    session_->signal(SIGTERM);
    EXPECT_EQ(session_->exit_code(), 130);
}

TEST_F(ChatTerminal, EndsOnSigtermWhileItAnswers) {
    service_->on("POST /api/chat", [](const FakeExchange& exchange) {
        exchange.begin_chunks();
        exchange.chunk(R"({"message":{"content":"Hel"}})"
                       "\n");
        exchange.wait_for_hangup();
    });
    session_->type("one\r");
    session_->expect("Hel");
    session_->signal(SIGTERM);
    EXPECT_EQ(session_->exit_code(), 130);
}

TEST_F(ChatTerminal, EndsOnSigtermWhileTheEditorIsOpen) {
    use_editor("echo editing; read line");
    session_->type("some \x07");
    session_->expect("editing");
    session_->signal(SIGTERM);
    session_->press("\r");
    EXPECT_EQ(session_->exit_code(), 130);
}

TEST_F(ChatTerminal, RemembersInTheNextRunWhatWasTyped) {
    enter("first one");
    enter("\"\"\"two\x1b\rlines\"\"\"");
    session_->type("/bye\r");
    EXPECT_EQ(session_->exit_code(), 0);
    start();
    enter("\x1b[A\x1b[A");
    EXPECT_EQ(last_question(), "two\nlines");
    enter("/set history off");
    enter("a secret");
    EXPECT_EQ(last_question(), "a secret");
    std::ifstream file(dir_.path() / ".local/state/hearth/history");
    const std::string kept{std::istreambuf_iterator<char>(file), {}};
    EXPECT_THAT(kept, HasSubstr("first one\n"));
    EXPECT_THAT(kept, ::testing::Not(HasSubstr("secret")));
}

TEST_F(ChatTerminal, CompletesCommandsAndFiles) {
    write("notes.txt", "x");
    session_->type("/fi\t" + (dir_.path() / "no").string() + "\t");
    session_->expect("tes.txt");
    EXPECT_THAT(enter(""), HasSubstr("notes.txt (text, 1 bytes) goes with the next question"));
    session_->type("/s\t");
    session_->expect("/save   /set");
    session_->expect(">>> /s");
    session_->type("\x03");
}

TEST_F(ChatTerminal, CompletesModels) {
    service_->on("GET /api/tags", 200, R"({"models":[{"name":"tiny:q4"}]})");
    session_->type("/load ti\t");
    session_->expect("ny:q4");
    enter("");
    EXPECT_EQ(asked()["model"], "tiny:q4");
}

TEST_F(ChatTerminal, WritesInTheEditorOfThePerson) {
    use_editor("echo more >>\"$1\"");
    session_->type("some \x07");
    session_->expect("some more");
    enter("!");
    EXPECT_EQ(last_question(), "some more!");
}

TEST_F(ChatTerminal, LeavesAnEditorATerminalThatMarksNoPastes) {
    use_editor("echo editing");
    session_->type("\x07");
    EXPECT_THAT(session_->read_until("editing"), HasSubstr("\x1b[?2004l"));
    session_->expect("\x1b[?2004h");
}

TEST_F(ChatTerminal, TakesFromTheEditorWhatIsNoUtf8) {
    use_editor("printf 'caf\\351 \\0noir' >\"$1\"");
    session_->type("draft\x07");
    session_->expect("noir");
    enter("!");
    EXPECT_EQ(last_question(), "caf\uFFFD noir!");
}

TEST_F(ChatTerminal, KeepsTheLineWhereNoDraftCanBeWritten) {
    environment_["TMPDIR"] = (dir_.path() / "absent").string();
    use_editor("true");
    session_->type("some\x07");
    session_->expect("error: there is no folder for temporary files");
    session_->expect(">>> some");
    enter(" more");
    EXPECT_EQ(last_question(), "some more");
}

TEST_F(ChatTerminal, AttachesTextsToTheNextQuestionAlone) {
    enter("/file " + write("my notes.txt", "buy milk"));
    enter("what?");
    EXPECT_EQ(last_question(), "what?\n\nmy notes.txt:\n```\nbuy milk\n```");
    enter("and?");
    EXPECT_EQ(last_question(), "and?");
}

TEST_F(ChatTerminal, RefusesAPictureThatTheModelDoesNotTake) {
    const std::string picture = write("p.gif", "GIF89a");
    EXPECT_THAT(enter("/file " + picture), HasSubstr("error: \"m\" does not take pictures\r\nhint: /load"));
    service_->on("POST /api/show", 200, R"({"capabilities":["completion","vision"]})");
    enter("/file " + picture);
    enter("what?");
    EXPECT_EQ(messages()[0]["images"], Json::parse(R"(["R0lGODlh"])"));
}

TEST_F(ChatTerminal, BringsFilesAlong) {
    start({"run", "m", "-f", write("a.txt", "abc")});
    enter("what?");
    EXPECT_EQ(last_question(), "what?\n\na.txt:\n```\nabc\n```");
}

TEST_F(ChatTerminal, AsksTheLastQuestionAgain) {
    EXPECT_THAT(enter("/retry"), HasSubstr("error: there is no question to ask again"));
    enter("one");
    enter("two");
    enter("/retry");
    EXPECT_EQ(messages().size(), 3u);
    EXPECT_EQ(last_question(), "two");
}

TEST_F(ChatTerminal, AsksAgainWhatWasNotAnswered) {
    service_->on("POST /api/chat", 500, R"({"error":"the runner ended","code":"runner.lost"})");
    EXPECT_THAT(enter("one"), HasSubstr("error: the runner ended"));
    service_->on_lines("POST /api/chat", {R"({"message":{"content":"Hello"},"done":true})"});
    enter("/retry");
    EXPECT_EQ(messages().size(), 1u);
    EXPECT_EQ(last_question(), "one");
}

TEST_F(ChatTerminal, EndsTheLineOfABrokenAnswerOnce) {
    service_->on_lines("POST /api/chat", {R"({"message":{"content":"Hel"}})", R"({"error":"lost"})"});
    EXPECT_THAT(enter("one"), HasSubstr("Hel\r\nerror: lost\r\n"));
    service_->on("POST /api/chat", [](const FakeExchange& exchange) {
        exchange.begin_chunks();
        exchange.chunk(R"({"message":{"content":"Hel"}})"
                       "\n");
        exchange.wait_for_hangup();
    });
    session_->type("two\r");
    session_->expect("Hel");
    session_->type("\x03");
    EXPECT_EQ(session_->read_until(prompt_), "^C\r\n");
}

TEST_F(ChatTerminal, SaysHowToGetRoom) {
    service_->on("POST /api/chat", 400, R"({"error":"too long","code":"context.exceeded"})");
    EXPECT_THAT(enter("one"), HasSubstr("error: too long\r\nhint: /clear forgets"));
}

TEST_F(ChatTerminal, TellsTheSpeedOfTheLastAnswer) {
    EXPECT_THAT(enter("/stats"), HasSubstr("there is no answer yet"));
    enter("x");
    EXPECT_THAT(enter("/stats"), HasSubstr("answer    7 tokens, 1.000 s, 7.0 tokens/s"));
}

TEST_F(ChatTerminal, HasNoSpeedOfAnAnswerThatBroke) {
    service_->on_lines("POST /api/chat", {R"({"message":{"content":"Hel"}})", R"({"error":"lost"})"});
    enter("x");
    EXPECT_THAT(enter("/stats"), HasSubstr("the last answer was cut short"));
}

TEST_F(ChatTerminal, SetsWhatTheNextQuestionSends) {
    enter("/set parameter temperature 0.5");
    enter("/set system \"\"\"be\x1b\rbrief\"\"\"");
    enter("/set format json");
    enter("x");
    EXPECT_EQ(asked()["options"], Json::parse(R"({"temperature":0.5})"));
    EXPECT_EQ(asked()["format"], "json");
    EXPECT_EQ(messages()[0]["content"], "be\nbrief");
    EXPECT_THAT(enter("/set sistem x"), HasSubstr("hint: did you mean: /set system"));
}

TEST_F(ChatTerminal, ShowsTheModelAndWhatIsSet) {
    EXPECT_THAT(enter("/show"), HasSubstr("Capabilities"));
    EXPECT_THAT(enter("/show system"), HasSubstr("own text"));
    enter("/set system mine");
    EXPECT_THAT(enter("/show system"), HasSubstr("mine"));
    enter("/set parameter seed 7");
    const std::string parameters = enter("/show parameters");
    EXPECT_THAT(parameters, HasSubstr("top_k 40"));
    EXPECT_THAT(parameters, HasSubstr("seed"));
    EXPECT_THAT(enter("/show license"), HasSubstr("no license"));
    EXPECT_THAT(enter("/show colour"), HasSubstr("hint: /show info|system|"));
    EXPECT_THAT(enter("/show settings"), HasSubstr("now: mine"));
}

TEST_F(ChatTerminal, SavesSettingsAndConversationAsAModel) {
    enter("/set system mine");
    enter("/set parameter seed 7");
    enter("x");
    EXPECT_THAT(enter("/save mine"), HasSubstr("saved: hearth run mine goes on from here"));
    EXPECT_EQ(
        asked("POST /api/create"),
        Json::parse(
            R"({"model":"mine","from":"m","stream":true,"system":"mine","parameters":{"seed":7},"messages":[)"
            R"({"role":"user","content":"before"},{"role":"user","content":"x"},)"
            R"({"role":"assistant","content":"Hello"}]})"));
    EXPECT_THAT(enter("/save"), HasSubstr("hint: /save NAME"));
}

TEST_F(ChatTerminal, LoadsAnotherModelAndBeginsAnew) {
    enter("x");
    EXPECT_THAT(enter("/load other"), HasSubstr("talking with other"));
    enter("y");
    EXPECT_EQ(asked()["model"], "other");
    EXPECT_EQ(messages().size(), 1u);
}

TEST_F(ChatTerminal, StaysWithItsModelWhenAnotherDoesNotLoad) {
    enter("x");
    service_->on("POST /api/chat", 500, R"({"error":"no tensors","code":"model.load_failed"})");
    EXPECT_THAT(enter("/load other"), HasSubstr("error: no tensors"));
    service_->on_lines("POST /api/chat", {R"({"message":{"content":"Hello"},"done":true})"});
    enter("y");
    EXPECT_EQ(asked()["model"], "m");
    EXPECT_EQ(messages().size(), 3u);
}

TEST_F(ChatTerminal, ExplainsItselfAndKnowsWhatItDoesNotKnow) {
    EXPECT_THAT(enter("/help"), HasSubstr("/retry"));
    EXPECT_THAT(enter("/lode x"), HasSubstr("error: /lode is not a command\r\nhint: did you mean: /load"));
    enter(" /etc is a question");
    EXPECT_EQ(last_question(), " /etc is a question");
}

TEST_F(ChatTerminal, AsksThroughTheKeysOfViToo) {
    write(".editrc", "bind -v\n");
    session_.emplace(program_, std::vector<std::string>{"run", "m"}, environment_);
    session_->expect("\n>>> "); // Escape has a meaning of its own: pastes are not marked
    session_->type("helo\x1bi"
                   "l\r");
    session_->expect("Hello");
    EXPECT_EQ(last_question(), "hello");
}

} // namespace
} // namespace hearth::testing
