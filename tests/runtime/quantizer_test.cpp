#include "runtime/runner/quantizer.hpp"

#include "base/sha256.hpp"
#include "runtime/runner/plugin_manifest.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/scoped_variable.hpp"
#include "tests/base/temporary_dir.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace hearth::runtime {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using testing::expect_error;

/// The real hearth-runner with a backend that "quantizes" by copying half of its input.
class QuantizerTest : public ::testing::Test {
  protected:
    void TearDown() override {
        if (quantizer_) {
            run(quantizer_->stop());
        }
    }

    template <class Result> Result run(asio::awaitable<Result> main) {
        auto done = asio::co_spawn(io_, std::move(main), asio::use_future);
        io_.restart();
        while (done.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
            io_.run_one();
        }
        return done.get();
    }
    void start() {
        const UniqueFd library(::open(HOST_PLUGIN, O_RDONLY | O_CLOEXEC));
        PluginManifest plugin;
        plugin.name = "host-test";
        plugin.library = HOST_PLUGIN;
        plugin.sha256 = sha256_of_file(library.get()).hex();
        quantizer_ = run(start_quantizer(io_.get_executor(), plugin));
    }
    std::vector<registry::OpenModelFile> files() {
        const fs::path path = dir_.path() / "model";
        std::ofstream(path) << "eight!!!";
        std::vector<registry::OpenModelFile> files;
        files.push_back({UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), registry::FileRole::model, 8});
        return files;
    }
    UniqueFd output() {
        return UniqueFd(::open((dir_.path() / "made").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    }
    std::string made() const {
        std::ifstream file(dir_.path() / "made", std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    Json make(const std::string& type, std::function<void(std::string, double)> progress = {}) {
        return run(quantizer_->run({type, 1}, files(), output(), std::move(progress)));
    }

    testing::TemporaryDir dir_;
    testing::ScopedVariable runtime_{"HEARTH_RUNTIME", (dir_.path() / "run").c_str()};
    asio::io_context io_{1};
    std::unique_ptr<Quantizer> quantizer_;
};

TEST_F(QuantizerTest, AsksTheExtensionForItsTypesAndPlan) {
    start();
    EXPECT_EQ(run(quantizer_->types())["types"][0]["name"], "HALF");
    const Json plan = run(quantizer_->plan({"HALF", 0}, files()));
    EXPECT_EQ(plan["output_bytes"], 4);
    EXPECT_EQ(plan["output"], -1) << "a plan has nothing to write to";
    expect_error(ErrorCode::invalid_argument, [&] { run(quantizer_->plan({"NONE", 0}, files())); });
}

TEST_F(QuantizerTest, WritesThroughTheDescriptorWithProgress) {
    start();
    std::vector<double> progress;
    const Json answer =
        make("HALF", [&](const std::string&, double fraction) { progress.push_back(fraction); });
    EXPECT_EQ(answer["made"], true);
    EXPECT_EQ(made(), "eigh");
    EXPECT_EQ(progress, std::vector<double>{0.0});
}

TEST_F(QuantizerTest, LeavesNoProcessBehindWhenItIsStoppedInTheMiddle) {
    start();
    const pid_t pid = quantizer_->pid();
    asio::cancellation_signal cancel;
    bool failed = false;
    bool started = false;
    auto note = [&](const std::string&, double fraction) { started = started || fraction > 0; };
    asio::co_spawn(io_, quantizer_->run({"FOREVER", 1}, files(), output(), note),
                   asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr failure, Json) {
                       failed = failure != nullptr;
                   }));
    while (!started) {
        io_.run_one();
    }
    cancel.emit(asio::cancellation_type::terminal);
    while (!failed) {
        io_.run_one();
    }
    run(quantizer_->stop());
    EXPECT_NE(::kill(pid, 0), 0);
    quantizer_.reset();
}

TEST_F(QuantizerTest, SaysThatItsProcessDied) {
    start();
    expect_error(ErrorCode::runner_lost, [&] { make("CRASH"); });
}

TEST_F(QuantizerTest, SaysThatABackendHasNoSuchExtension) {
    quantizer_ = run(start_quantizer(io_.get_executor(), PluginManifest::read(ECHO_MANIFEST)));
    expect_error(ErrorCode::unsupported, [&] { run(quantizer_->types()); });
    expect_error(ErrorCode::unsupported, [&] { make("HALF"); });
}

} // namespace
} // namespace hearth::runtime
