/// Predicted, reported and resident: real loads of models with random weights and published shapes, through our own
/// runner, with weights mapped, repacked and read. The long form (HEARTH_TEST_FULL=1) has larger models.
#include "base/unique_fd.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/probe.hpp"
#include "runtime/memory/backend_report.hpp"
#include "runtime/memory/dry_run.hpp"
#include "runtime/memory/machine.hpp"
#include "runtime/memory/resident.hpp"
#include "runtime/runner/plugin_manifest.hpp"
#include "tests/base/scoped_variable.hpp"
#include "tests/base/temporary_dir.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <optional>

namespace hearth::runtime::memory {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

constexpr double mebibyte = 1 << 20;
/// Copies of a recurrent state that the engine keeps to go back to grow with use, beside every plan: none here.
constexpr const char* without_checkpoints = R"({"arguments":["--ctx-checkpoints","0"]})";

struct Case {
    const char* model;
    std::vector<EstimateOptions> options;
};

EstimateOptions with(std::uint64_t context, int parallel, LoadMode mode, bool unified = true) {
    return {.context = context, .parallel = parallel, .unified = unified, .ubatch = 128, .load_mode = mode};
}

const std::vector<EstimateOptions>& usual() {
    static const std::vector<EstimateOptions> all = {
        with(2048, 1, LoadMode::mmap), with(8192, 1, LoadMode::repack), with(2048, 2, LoadMode::read, false)};
    return all;
}

bool full() {
    const char* value = std::getenv("HEARTH_TEST_FULL");
    return value != nullptr && std::string(value) == "1";
}

std::vector<Case> cases() {
    std::vector<Case> all = {{"smollm2-135m", usual()}};
    if (full()) {
        for (const char* model : {"qwen2.5-0.5b", "qwen3-0.6b", "gemma-3-1b", "llama-3.2-1b", "lfm2-1.2b",
                                  "mamba-790m", "gemma-2-2b", "granite-4.0-h-micro", "phi-4-mini"}) {
            all.push_back({model, usual()});
        }
    }
    return all;
}

class RealLoad : public ::testing::Test {
  protected:
    template <class Result> Result run(asio::awaitable<Result> main) {
        std::optional<std::pair<std::exception_ptr, std::optional<Result>>> done;
        asio::co_spawn(io_, std::move(main), [&](std::exception_ptr failure, Result result) {
            done.emplace(failure, std::move(result));
        });
        io_.restart();
        while (!done) {
            io_.run_one();
        }
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
    asio::awaitable<std::unique_ptr<Runner>> start() { return start_runner(io_.get_executor(), plugin_); }

    fs::path make(const std::string& model) const {
        const std::string command = fmt::format("'{}' -B '{}' --weights '{}' {}", HEARTH_PYTHON,
                                                HEARTH_MAKE_PROBE, dir_.path().string(), model);
        EXPECT_EQ(std::system(command.c_str()), 0);
        return dir_.path() / (model + ".gguf");
    }
    static std::vector<registry::OpenModelFile> files_of(UniqueFd descriptor, std::uint64_t bytes) {
        std::vector<registry::OpenModelFile> files(1);
        files[0].fd = std::move(descriptor);
        files[0].size_bytes = bytes;
        return files;
    }
    static UniqueFd open(const fs::path& path) {
        return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    }

    /// From the header alone.
    Estimate predict(DryRun& dry_run, const fs::path& path, const EstimateOptions& options) {
        const UniqueFd file = open(path);
        const auto probe = registry::gguf::try_make_probe(registry::gguf::FileSource(file.get()));
        EXPECT_TRUE(probe);
        EXPECT_LT(probe->header.size(), 64u << 10);
        DryRunQuestion question;
        question.options = options;
        question.options_json = without_checkpoints;
        question.files = files_of(registry::gguf::open_probe(*probe), probe->file_bytes);
        const DryRunAnswer answer = run(dry_run.estimate(std::move(question)));
        const auto* failed = std::get_if<DryRunFailed>(&answer);
        EXPECT_EQ(failed, nullptr) << failed->reason;
        return failed ? Estimate() : std::get<Estimate>(answer);
    }

    /// Loads, answers a prompt of more than a batch, compares.
    void check(const std::string& model, const fs::path& path, const EstimateOptions& options,
               const Estimate& predicted) {
        LoadSpec spec;
        spec.alias = model;
        spec.threads = 1; // two would wait for each other on a busy machine
        spec.options_json = without_checkpoints;
        apply_plan(spec, options, {}, {});
        const auto runner = run(start());
        run(runner->load(spec, files_of(open(path), fs::file_size(path)), {}));
        const Estimate reported = read_backend_report(runner->info().at("memory"));
        const double resident_at_load = static_cast<double>(resident_bytes(runner->pid()).value_or(0));
        Json prompt = Json::array();
        for (int i = 0; i < options.ubatch + 40; ++i) {
            prompt.push_back(20 + i % 200);
        }
        const Json body = {{"prompt", prompt}, {"n_predict", 2}, {"stream", true}};
        const auto stream = run(runner->request("complete", to_text(body)));
        while (run(stream->next())) {
        }
        const double resident = static_cast<double>(resident_bytes(runner->pid()).value_or(0));
        run(runner->stop());
        const double told = static_cast<double>(reported.total_bytes());
        const double foretold = static_cast<double>(predicted.total_bytes());
        const auto fixed = static_cast<double>(assumed_fixed_bytes("cpu", DeviceKind::cpu));
        const double expected = foretold + static_cast<double>(predicted.devices.at(0).output) + fixed;
        fmt::print(
            "{:<20} {:>6} x{} {:<6}  predicted {:>7.1f}  reported {:>7.1f}  ({:+.2f} %)   resident {:>7.1f}  "
            "expected {:>7.1f}  ({:+.1f} MiB, {:+.2f} %)  at load {:>7.1f}\n",
            model, options.context, options.parallel, load_mode_name(options.load_mode), foretold / mebibyte,
            told / mebibyte, (foretold / told - 1) * 100, resident / mebibyte, expected / mebibyte,
            (resident - expected) / mebibyte, (resident / expected - 1) * 100, resident_at_load / mebibyte);
        EXPECT_NEAR(foretold, told, told * 0.005);
        EXPECT_EQ(predicted.devices.at(0).repacked, reported.devices.at(0).repacked);
        EXPECT_EQ(predicted.devices.at(0).mapped, reported.devices.at(0).mapped);
        EXPECT_NEAR(resident, expected, std::max(expected * 0.03, 64 * mebibyte));
    }

    testing::TemporaryDir dir_;
    testing::ScopedVariable runtime_{"HEARTH_RUNTIME", (dir_.path() / "run").c_str()};
    asio::io_context io_{1};
    PluginManifest plugin_ = PluginManifest::read(LLAMA_MANIFEST);
};

TEST_F(RealLoad, TakesWhatWasPredictedFromItsHeader) {
    DryRun dry_run(io_.get_executor(), [this] { return start(); }, std::chrono::seconds(60));
    for (const Case& one : cases()) {
        const fs::path path = make(one.model);
        for (const EstimateOptions& options : one.options) {
            SCOPED_TRACE(fmt::format("{} {} x{} {}", one.model, options.context, options.parallel,
                                     load_mode_name(options.load_mode)));
            const Estimate predicted = predict(dry_run, path, options);
            if (!predicted.devices.empty()) {
                check(one.model, path, options, predicted);
            }
        }
        fs::remove(path); // gigabytes
    }
    run(dry_run.stop());
}

} // namespace
} // namespace hearth::runtime::memory
