#include "base/async/task_group.hpp"
#include "base/error.hpp"
#include "base/sha256.hpp"
#include "runtime/runner/plugin_manifest.hpp"
#include "runtime/runner/runner.hpp"
#include "runtime/scheduler/scheduler.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/scoped_variable.hpp"
#include "tests/base/temporary_dir.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>

#include <fcntl.h>
#include <unistd.h>

namespace hearth::runtime {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The real hearth-runner with the echo backend.
class RunnerTest : public ::testing::Test {
  protected:
    void TearDown() override {
        if (runner_) {
            run(runner_->stop());
        }
    }

    template <class Result> Result run(asio::awaitable<Result> main) {
        std::optional<std::pair<std::exception_ptr, std::optional<Result>>> done;
        asio::co_spawn(io_, std::move(main), [&](std::exception_ptr failure, Result result) {
            done.emplace(failure, std::move(result));
        });
        turn_until([&] { return done.has_value(); });
        if (done->first) {
            std::rethrow_exception(done->first);
        }
        return std::move(*done->second);
    }
    void run(asio::awaitable<void> main) { run(and_true(std::move(main))); }
    static asio::awaitable<bool> and_true(asio::awaitable<void> main) {
        co_await std::move(main);
        co_return true;
    }
    void turn_until(const std::function<bool()>& condition) { // ctest's time limit ends what never comes
        io_.restart();
        while (!condition()) {
            io_.run_one();
        }
    }

    static PluginManifest echo() { return PluginManifest::read(ECHO_MANIFEST); }
    void start(PluginManifest plugin = echo()) {
        runner_ = run(start_runner(io_.get_executor(), std::move(plugin)));
    }
    void load(const Json& options = Json::object(), int parallel = 2) {
        if (!runner_) {
            start();
        }
        LoadSpec spec;
        spec.alias = "the-alias";
        spec.context_tokens = 1000;
        spec.parallel = parallel;
        spec.options_json = options.dump();
        auto note = [this](const std::string&, double fraction) { progress_.push_back(fraction); };
        run(runner_->load(spec, std::vector<registry::OpenModelFile>(), note));
    }
    static std::string chat_body(const std::string& text, Json options = Json::object()) {
        options["messages"] = Json::array({{{"role", "user"}, {"content", text}}});
        if (!options.contains("stream")) {
            options["stream"] = true;
        }
        return options.dump();
    }
    std::unique_ptr<RequestStream> chat(const std::string& text, const Json& options = Json::object()) {
        return run(runner_->request("chat", chat_body(text, options)));
    }
    /// The words of a chat answer.
    std::vector<std::string> words_of(RequestStream& stream) {
        std::vector<std::string> words;
        while (const auto event = run(stream.next())) {
            const Json content = Json::parse(*event)["choices"][0]["delta"].value("content", Json());
            if (content.is_string()) {
                words.push_back(content);
            }
        }
        return words;
    }
    template <class Action> std::string expect_lost(Action action) {
        return testing::expect_error(ErrorCode::runner_lost, action);
    }
    bool process_exists() const { return ::kill(pid_, 0) == 0; }
    std::size_t scratch_folders() const {
        const auto all = fs::directory_iterator(dir_.path() / "run/scratch");
        return static_cast<std::size_t>(std::distance(fs::begin(all), fs::end(all)));
    }

    testing::TemporaryDir dir_;
    testing::ScopedVariable runtime_{"HEARTH_RUNTIME", (dir_.path() / "run").c_str()};
    asio::io_context io_{1};
    std::unique_ptr<Runner> runner_;
    std::vector<double> progress_;
    pid_t pid_ = -1;
};

TEST_F(RunnerTest, LoadsWithProgressAndTellsWhatItLoaded) {
    load();
    EXPECT_EQ(runner_->info()["context"], 1000);
    EXPECT_EQ(runner_->info()["alias"], "the-alias");
    EXPECT_EQ(progress_.size(), 10u);
    EXPECT_DOUBLE_EQ(progress_.back(), 1.0);
}

TEST_F(RunnerTest, StreamsAnAnswerWordByWord) {
    load();
    EXPECT_THAT(words_of(*chat("so it goes")), ElementsAre("so", " it", " goes"));
}

TEST_F(RunnerTest, DeliversAnEventThatIsLargerThanAFrame) {
    load();
    const auto stream = chat("0123456789abcde", {{"stream", false}, {"echo_repeat", 200000}});
    const auto event = run(stream->next());
    ASSERT_TRUE(event);
    EXPECT_EQ(Json::parse(*event)["choices"][0]["message"]["content"].get<std::string>().size(),
              200000u * 16 - 1);
    EXPECT_EQ(run(stream->next()), std::nullopt);
    EXPECT_EQ(run(stream->next()), std::nullopt) << "the end stays the end";
}

TEST_F(RunnerTest, DestroyingAStreamFreesItsSlot) {
    load(Json::object(), 1);
    auto endless = chat("x", {{"echo_repeat", 1000000}, {"echo_delay_ms", 50}});
    run(endless->next());
    const auto waiting = chat("next");
    endless.reset();
    EXPECT_THAT(words_of(*waiting), ElementsAre("next"));
}

TEST_F(RunnerTest, GivesABackendsErrorItsCode) {
    load();
    const auto stream = chat("one two three", {{"echo_fail_after", 1}});
    EXPECT_THAT(testing::expect_error(ErrorCode::backend_failed, [&] { words_of(*stream); }),
                HasSubstr("after 1 words"));
    testing::expect_error(ErrorCode::invalid_argument,
                          [&] { words_of(*run(runner_->request("chat", R"({"messages":5})"))); });
    EXPECT_THAT(words_of(*chat("on it goes")), ElementsAre("on", " it", " goes"));
}

TEST_F(RunnerTest, SaysHowItEndedWhenItIsKilledInMidStream) {
    load();
    const auto stream = chat("x", {{"echo_repeat", 1000000}, {"echo_delay_ms", 5}});
    run(stream->next());
    ::kill(runner_->pid(), SIGKILL);
    EXPECT_THAT(expect_lost([&] { words_of(*stream); }), HasSubstr("signal 9 (Killed)"));
    EXPECT_FALSE(runner_->alive());
    EXPECT_EQ(run(runner_->wait_exit()), "signal 9 (Killed)");
    expect_lost([&] { chat("anybody there?"); });
}

TEST_F(RunnerTest, NamesTheDoctorWhenTheProcessorLacksAnInstruction) {
    load();
    const auto stream = chat("x", {{"echo_repeat", 1000000}, {"echo_delay_ms", 5}});
    run(stream->next());
    ::kill(runner_->pid(), SIGILL);
    try {
        words_of(*stream);
        FAIL() << "it goes on";
    } catch (const Error& error) {
        EXPECT_THAT(error.hint(), HasSubstr("hearth doctor"));
    }
}

TEST_F(RunnerTest, SaysHowItEndedWhenItCrashes) {
    load();
    const auto stream = chat("one two three", {{"echo_crash_after", 1}});
    EXPECT_THAT(expect_lost([&] { words_of(*stream); }), HasSubstr("signal 6 (Aborted)"));
}

TEST_F(RunnerTest, GivesALoadThatFailedItsCode) {
    testing::expect_error(ErrorCode::model_invalid, [&] { load({{"echo_load_fail", 5}}); });
    EXPECT_TRUE(runner_->alive());
}

TEST_F(RunnerTest, SaysHowItEndedWhenItCrashesWhileLoading) {
    const std::string text = expect_lost([&] { load({{"echo_load_crash", true}}); });
    EXPECT_THAT(text, HasSubstr("loading the-alias: the backend ended unexpectedly (signal 6 (Aborted))"));
}

TEST_F(RunnerTest, StopEndsTheProcessAndItsStreamsAndRemovesItsScratchFolder) {
    load();
    pid_ = runner_->pid();
    const auto stream = chat("x", {{"echo_repeat", 1000000}, {"echo_delay_ms", 5}});
    run(stream->next());
    EXPECT_EQ(scratch_folders(), 1u);
    run(runner_->stop());
    EXPECT_FALSE(process_exists());
    testing::expect_error(ErrorCode::cancelled, [&] { words_of(*stream); });
    runner_.reset();
    EXPECT_EQ(scratch_folders(), 0u);
    EXPECT_EQ(run(stream->next()), std::nullopt) << "a stream may outlive its runner";
}

TEST_F(RunnerTest, StopEndsAnEngineThatHearsNothing) {
    load();
    pid_ = runner_->pid();
    const auto stream = chat("one two", {{"echo_hang_after", 1}, {"echo_deaf", true}});
    run(stream->next());
    run(runner_->stop());
    EXPECT_FALSE(process_exists());
}

TEST_F(RunnerTest, StopInTheMiddleOfALoadCancelsIt) {
    start();
    LoadSpec spec;
    spec.options_json = R"({"echo_load_delay_ms": 200})";
    std::optional<ErrorCode> code;
    bool loading = false;
    asio::co_spawn(io_, runner_->load(spec, {}, [&](std::string, double) { loading = true; }),
                   [&](std::exception_ptr failure) { code = to_error(failure).code(); });
    turn_until([&] { return loading; });
    run(runner_->stop());
    turn_until([&] { return code.has_value(); });
    EXPECT_EQ(code, ErrorCode::cancelled);
}

TEST_F(RunnerTest, HandsOverTheFilesOfAModel) {
    std::ofstream(dir_.path() / "weights") << std::string(5000, 'w');
    start();
    std::vector<registry::OpenModelFile> files(1);
    files[0].fd = UniqueFd(::open((dir_.path() / "weights").c_str(), O_RDONLY | O_CLOEXEC));
    files[0].size_bytes = 5000;
    run(runner_->load(LoadSpec(), std::move(files), {}));
    EXPECT_EQ(runner_->info()["files"], 1);
    EXPECT_EQ(runner_->info()["memory"]["devices"]["cpu"]["weights"], 5000);
}

TEST_F(RunnerTest, DoesNotStartALibraryWhoseDigestIsWrong) {
    PluginManifest plugin = echo();
    plugin.sha256 = std::string(64, '0');
    testing::expect_error(ErrorCode::backend_failed, [&] { start(plugin); });
    EXPECT_EQ(scratch_folders(), 0u);
}

TEST_F(RunnerTest, DoesNotStartALibraryThatIsNoPlugin) {
    std::ofstream(dir_.path() / "text.so") << "no library";
    PluginManifest plugin = echo();
    plugin.library = dir_.path() / "text.so";
    plugin.sha256 = sha256_of("no library").hex();
    testing::expect_error(ErrorCode::backend_failed, [&] { start(plugin); });
}

TEST_F(RunnerTest, ServesASchedulerFromAcquireToUnload) {
    std::vector<std::string> events;
    auto opener = [](registry::Model) -> asio::awaitable<std::vector<registry::OpenModelFile>> {
        throw Error(ErrorCode::internal, "echo has no files");
    };
    Scheduler scheduler(io_.get_executor(), Config(), {echo()}, opener,
                        [&](RuntimeEvent event) { events.push_back(event.type); });
    AcquireRequest request;
    request.name = "anything";
    request.options.backend = "echo";
    auto lease = run(scheduler.acquire(request));
    const auto stream = run(lease->request("chat", chat_body("to be or not")));
    EXPECT_THAT(words_of(*stream), ElementsAre("to", " be", " or", " not"));
    const LoadedModel row = scheduler.loaded().at(0);
    pid_ = row.pid;
    EXPECT_EQ(row.context_tokens, 4096);
    EXPECT_EQ(row.active_requests, 1);
    EXPECT_GT(row.size_bytes, 0u);
    lease.reset();
    EXPECT_TRUE(run(scheduler.unload("anything")));
    EXPECT_FALSE(process_exists());
    EXPECT_THAT(events, ElementsAre("model.loading", "model.loaded", "model.unloaded"));
    run(scheduler.stop());
}

} // namespace
} // namespace hearth::runtime
