#include "base/json.hpp"
#include "base/paths.hpp"
#include "base/sha256.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"
#include "tests/process/wire_peer.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <csignal>
#include <fstream>

namespace hearth::process::wire {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using hearth::testing::expect_error;
using hearth::testing::TemporaryDir;

/// A hearth-runner process with the plugin of these tests.
class HostTest : public ::testing::Test {
  protected:
    void start(std::vector<std::string> more = {}, const std::string& library = HOST_PLUGIN) {
        auto [ours, theirs] = socket_pair();
        SpawnRequest request;
        request.program = paths::sibling_program("hearth-runner");
        request.arguments = {"--plugin", library};
        request.arguments.insert(request.arguments.end(), more.begin(), more.end());
        request.inherited = {{theirs.get(), 3}};
        request.environment = {"HEARTH_SCRATCH=" + scratch()};
        child_ = spawn(request);
        theirs.reset();
        connection_ = std::make_unique<Connection>(io_.get_executor(), std::move(ours), "runner");
        run_on(io_, connection_->handshake());
    }
    void TearDown() override {
        if (connection_) {
            run_on(io_, connection_->stop());
        }
    }

    std::string scratch() const { return folder_.path() / "scratch"; }
    Event call(const Json& head, std::vector<UniqueFd> fds = {}) {
        return run_on(io_, connection_->call(to_text(head), std::string(), std::move(fds)));
    }
    Json answer(const Json& head) { return parse_json(call(head).head, "answer"); }
    Stream open(const std::string& operation, const std::string& body = "{}") {
        const Json head = {{"op", "request"}, {"operation", operation}};
        return run_on(io_, connection_->open(to_text(head), body, {}));
    }
    Event next(Stream& stream) { return run_on(io_, stream.receive()); }
    void load_nothing() { call({{"op", "load"}}); }
    UniqueFd model_file(const std::string& content) {
        const std::string path = folder_.path() / "model.gguf";
        std::ofstream(path) << content;
        return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    }
    /// Waits until the process has ended by itself.
    std::string ended() {
        child_.terminate(20'000);
        return child_.status_text();
    }

    TemporaryDir folder_;
    asio::io_context io_;
    Child child_;
    std::unique_ptr<Connection> connection_;
};

TEST_F(HostTest, SaysInItsHelloWhichPluginItHolds) {
    start();
    const Json hello = parse_json(connection_->peer_hello(), "hello");
    EXPECT_EQ(hello["role"], "runner");
    EXPECT_EQ(hello["plugin"]["name"], "host-test");
    EXPECT_EQ(hello["plugin"]["version"], "7");
}

TEST_F(HostTest, LocksItselfBeforeThePluginRuns) {
    start();
    EXPECT_EQ(answer({{"op", "describe"}})["socket_errno"], EPERM);
}

TEST_F(HostTest, GivesThePluginItsScratchFolder) {
    start();
    EXPECT_EQ(answer({{"op", "describe"}})["scratch"], scratch());
    EXPECT_TRUE(std::filesystem::is_directory(scratch()));
}

TEST_F(HostTest, ListsDevices) {
    start();
    EXPECT_EQ(answer({{"op", "devices"}}), Json::parse(R"({"devices":[]})"));
}

TEST_F(HostTest, EstimatesFromDescriptors) {
    start();
    std::vector<UniqueFd> fds;
    fds.push_back(model_file("GGUF"));
    const Json head =
        Json::parse(R"({"op":"estimate","spec":{},"files":[{"role":"model","size":4,"shard":1,"of":1}]})");
    EXPECT_EQ(call(head, std::move(fds)).head, R"({"total_bytes":4})");
    expect_error(ErrorCode::unsupported, [&] { call({{"op", "estimate"}}); });
}

TEST_F(HostTest, LoadsFromDescriptorsWithProgress) {
    start();
    std::vector<UniqueFd> fds;
    fds.push_back(model_file("GGUF and more"));
    const std::string head =
        R"({"op":"load","spec":{"alias":"m"},"files":[{"role":"model","size":13,"shard":1,"of":1}]})";
    Stream stream = run_on(io_, connection_->open(head, std::string(), std::move(fds)));
    EXPECT_EQ(parse_json(next(stream).head, "tick"), Json::parse(R"({"stage":"weights","fraction":0.0})"));
    EXPECT_EQ(parse_json(next(stream).head, "tick"), Json::parse(R"({"stage":"weights","fraction":1.0})"));
    const Event end = next(stream);
    EXPECT_EQ(end.kind, Event::Kind::end);
    EXPECT_EQ(parse_json(end.head, "info"), Json::parse(R"({"context":512,"first":"GGUF","size":13})"));
}

TEST_F(HostTest, TurnsAbiStatusIntoErrorCodes) {
    start();
    expect_error(ErrorCode::load_failed, [&] { call({{"op", "load"}, {"spec", {{"fail", "internal"}}}}); });
    expect_error(ErrorCode::memory_insufficient,
                 [&] { call({{"op", "load"}, {"spec", {{"fail", "memory"}}}}); });
    std::vector<UniqueFd> fds;
    fds.push_back(model_file("GG"));
    const Json head = Json::parse(R"({"op":"load","files":[{"role":"model","size":2}]})");
    expect_error(ErrorCode::model_invalid, [&] { call(head, std::move(fds)); });
    load_nothing();
    Stream stream = open("context");
    expect_error(ErrorCode::context_exceeded, [&] { next(stream); });
    Stream bad = open("count", "bad body");
    EXPECT_EQ(expect_error(ErrorCode::invalid_argument, [&] { next(bad); }), "the body is bad");
    Stream unknown = open("sing");
    expect_error(ErrorCode::unsupported, [&] { next(unknown); });
}

TEST_F(HostTest, RefusesRequestsThatMakeNoSense) {
    start();
    Stream early = open("count", "3");
    expect_error(ErrorCode::backend_failed, [&] { next(early); });
    expect_error(ErrorCode::unsupported, [&] { call({{"op", "dance"}}); });
    expect_error(ErrorCode::invalid_argument, [&] { call(Json::array()); });
    expect_error(ErrorCode::invalid_argument,
                 [&] { call(Json::parse(R"({"op":"load","files":[{"role":"model"}]})")); });
    load_nothing();
    expect_error(ErrorCode::invalid_argument, [&] { load_nothing(); });
}

TEST_F(HostTest, StreamsOneEventPerFrame) {
    start();
    load_nothing();
    Stream stream = open("count", "100");
    for (int number = 0; number < 100; ++number) {
        EXPECT_EQ(next(stream).body, "{\"n\":" + std::to_string(number) + "}");
    }
    EXPECT_EQ(next(stream).kind, Event::Kind::end);
}

TEST_F(HostTest, SplitsAnEventThatIsLargerThanAFrame) {
    start();
    load_nothing();
    Stream stream = open("big");
    std::string body;
    for (Event event = next(stream); event.kind == Event::Kind::data; event = next(stream)) {
        body += event.body;
    }
    EXPECT_EQ(body.size(), 3u << 20);
    EXPECT_EQ(body.back(), '}');
}

TEST_F(HostTest, CancelEndsARequestWhileOthersGoOn) {
    start();
    load_nothing();
    Stream blocked = open("block");
    Stream other = open("block");
    EXPECT_EQ(next(blocked).body, R"({"blocked":true})");
    next(other);
    blocked.cancel();
    expect_error(ErrorCode::cancelled, [&] { next(blocked); });
    Stream counting = open("count", "1");
    EXPECT_EQ(next(counting).body, R"({"n":0})");
}

TEST_F(HostTest, CancelEndsALoad) {
    start();
    const std::string head = R"({"op":"load","spec":{"forever":true}})";
    Stream stream = run_on(io_, connection_->open(head, std::string(), {}));
    next(stream);
    stream.cancel();
    expect_error(ErrorCode::cancelled, [&] {
        while (next(stream).kind == Event::Kind::data) {
        }
    });
    load_nothing();
}

TEST_F(HostTest, QuantizesOnlyIntoAnOutput) {
    start();
    expect_error(ErrorCode::invalid_argument,
                 [&] { call({{"op", "quantize"}, {"spec", {{"type", "HALF"}}}}); });
    expect_error(ErrorCode::unsupported, [&] { call({{"op", "quantize_everything"}}); });
}

TEST_F(HostTest, UnloadCancelsWhatRunsAndAllowsAnotherLoad) {
    start();
    load_nothing();
    Stream blocked = open("block");
    next(blocked);
    call({{"op", "unload"}});
    expect_error(ErrorCode::cancelled, [&] { next(blocked); });
    load_nothing();
}

TEST_F(HostTest, ServesManyRequestsAtOnce) {
    start();
    load_nothing();
    std::vector<Stream> streams;
    for (int count = 0; count < 100; ++count) {
        streams.push_back(open("block"));
    }
    for (Stream& stream : streams) {
        EXPECT_EQ(next(stream).body, R"({"blocked":true})");
    }
}

TEST_F(HostTest, EndsCleanlyWhenTheCoreCloses) {
    start();
    load_nothing();
    Stream blocked = open("block");
    next(blocked);
    run_on(io_, connection_->stop());
    EXPECT_EQ(ended(), "exit code 0");
}

TEST_F(HostTest, EndsSoonEvenWhenTheEngineIsStuck) {
    start();
    load_nothing();
    Stream stuck = open("stuck");
    next(stuck);
    const auto start = std::chrono::steady_clock::now();
    run_on(io_, connection_->stop());
    EXPECT_EQ(ended(), "exit code 0");
    // 0.7 s; the thread sanitizer sleeps one more before it lets a process go.
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(3000));
}

TEST_F(HostTest, ACrashOfThePluginIsTheEndOfItsProcessAlone) {
    start();
    load_nothing();
    Stream stream = open("crash");
    expect_error(ErrorCode::runner_lost, [&] { next(stream); });
    EXPECT_EQ(ended(), "signal 6 (Aborted)");
}

TEST_F(HostTest, AcceptsTheLibraryOfItsManifest) {
    const UniqueFd library(::open(HOST_PLUGIN, O_RDONLY | O_CLOEXEC));
    start({"--sha256", sha256_of_file(library.get()).hex()});
    EXPECT_TRUE(connection_->is_open());
}

TEST_F(HostTest, RefusesALibraryWithAnotherHash) {
    EXPECT_ANY_THROW(start({"--sha256", std::string(64, '0')}));
    EXPECT_EQ(ended(), "exit code 1");
}

TEST_F(HostTest, RefusesALibraryThatIsNoPlugin) {
    EXPECT_ANY_THROW(start({}, "/lib/x86_64-linux-gnu/libc.so.6"));
    EXPECT_EQ(ended(), "exit code 1");
}

TEST_F(HostTest, ExplainsItselfWhenStartedByHand) {
    SpawnRequest request;
    request.program = paths::sibling_program("hearth-runner");
    request.arguments = {"--plugin", HOST_PLUGIN};
    child_ = spawn(request);
    EXPECT_EQ(ended(), "exit code 2");
}

} // namespace
} // namespace hearth::process::wire
