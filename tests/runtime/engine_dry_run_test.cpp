/// The engine's own account of a load: from real runners, and from ones that crash, hang or lie.
#include "base/error.hpp"
#include "runtime/memory/backend_report.hpp"
#include "runtime/memory/dry_run.hpp"
#include "runtime/runner/plugin_manifest.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/scoped_variable.hpp"
#include "tests/base/temporary_dir.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <csignal>
#include <filesystem>
#include <optional>

namespace hearth::runtime::memory {
namespace {

namespace asio = boost::asio;
using ::testing::HasSubstr;

class DryRunTest : public ::testing::Test {
  protected:
    void TearDown() override { run(dry_run_->stop()); }

    template <class Result> Result run(asio::awaitable<Result> main) {
        std::optional<std::pair<std::exception_ptr, std::optional<Result>>> done;
        asio::co_spawn(io_, std::move(main), [&](std::exception_ptr failure, Result result) {
            done.emplace(failure, std::move(result));
        });
        io_.restart();
        while (!done) { // ctest's time limit ends what never comes
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

    void use(const char* manifest, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
        plugin_ = PluginManifest::read(manifest);
        dry_run_ = std::make_unique<DryRun>(io_.get_executor(), [this] { return start(); }, limit);
    }
    asio::awaitable<std::unique_ptr<Runner>> start() {
        auto runner = co_await start_runner(io_.get_executor(), plugin_);
        pids_.push_back(runner->pid());
        co_return runner;
    }
    static registry::OpenModelFile open(const std::filesystem::path& path) {
        registry::OpenModelFile file;
        file.fd = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        file.size_bytes = std::filesystem::file_size(path);
        return file;
    }
    DryRunAnswer ask(const Json& options = Json::object()) {
        DryRunQuestion question;
        question.options_json = options.dump();
        question.files.push_back(open(ECHO_MANIFEST)); // any file
        return run(dry_run_->estimate(std::move(question)));
    }
    std::string reason(const DryRunAnswer& answer) const {
        const auto* failed = std::get_if<DryRunFailed>(&answer);
        return failed ? failed->reason : "it did not fail";
    }

    testing::TemporaryDir dir_;
    testing::ScopedVariable runtime_{"HEARTH_RUNTIME", (dir_.path() / "run").c_str()};
    asio::io_context io_{1};
    PluginManifest plugin_;
    std::unique_ptr<DryRun> dry_run_;
    std::vector<pid_t> pids_;
};

TEST_F(DryRunTest, AsksOneRunnerSeveralTimes) {
    use(ECHO_MANIFEST);
    for (int i = 0; i < 3; ++i) {
        const DryRunAnswer answer = ask();
        ASSERT_TRUE(std::holds_alternative<Estimate>(answer)) << reason(answer);
        EXPECT_EQ(std::get<Estimate>(answer).total_bytes(), std::filesystem::file_size(ECHO_MANIFEST));
    }
    EXPECT_EQ(pids_.size(), 1u);
}

TEST_F(DryRunTest, ACrashIsAnAnswerAndTheNextQuestionGetsANewRunner) {
    use(ECHO_MANIFEST);
    EXPECT_THAT(
        reason(ask({{"echo_estimate_crash", true}})),
        HasSubstr("the engine's dry run failed: the backend ended unexpectedly (signal 6 (Aborted))"));
    EXPECT_TRUE(std::holds_alternative<Estimate>(ask()));
    EXPECT_EQ(pids_.size(), 2u);
}

TEST_F(DryRunTest, ARunnerThatHangsIsKilledAtTheLimit) {
    use(ECHO_MANIFEST, std::chrono::milliseconds(1500));
    ASSERT_TRUE(std::holds_alternative<Estimate>(ask()));
    EXPECT_THAT(reason(ask({{"echo_estimate_hang", true}})), HasSubstr("the dry run took longer than 1.5 s"));
    EXPECT_NE(::kill(pids_.at(0), 0), 0) << "it is gone";
}

TEST_F(DryRunTest, ABackendThatDoesNotStartIsAnAnswer) {
    use(ECHO_MANIFEST);
    plugin_.library = dir_.path() / "nothing.so";
    EXPECT_THAT(reason(ask()), HasSubstr("backend echo did not start"));
}

TEST_F(DryRunTest, RepeatsWhatTheBackendSaysAgainstTheSpec) {
    use(ECHO_MANIFEST);
    EXPECT_THAT(reason(ask({{"echo_estimate_crash", "perhaps"}})), HasSubstr("has the wrong type"));
    EXPECT_TRUE(std::holds_alternative<Estimate>(ask()));
    EXPECT_EQ(pids_.size(), 1u) << "the runner is as good as before";
}

TEST(LoadSettings, HaveOneTextWhateverTheAlias) {
    const EstimateOptions options{
        .context = 2048, .parallel = 2, .unified = false, .kv_type = CacheType::q8_0};
    LoadSpec one;
    one.alias = "a";
    apply_plan(one, options, {}, {});
    LoadSpec other = one;
    other.alias = "b";
    EXPECT_EQ(settings_text(one), settings_text(other));
    const Json text = Json::parse(settings_text(one));
    EXPECT_EQ(text["unified"], false);
    EXPECT_EQ(text["options"]["cache_type_v"], "q8_0");
    EXPECT_EQ(text["options"]["device"], "none");
    other.ubatch = 64;
    EXPECT_NE(settings_text(one), settings_text(other));
}

TEST(LoadSettings, ThePersonsOptionsWinOverThePlan) {
    LoadSpec spec;
    apply_plan(spec, {}, {}, {});
    spec.options_json = R"({"load_mode":"read","batch":64})";
    const Json text = Json::parse(settings_text(spec));
    EXPECT_EQ(text["options"]["load_mode"], "read");
    EXPECT_EQ(text["options"]["batch"], 64);
    EXPECT_EQ(text["options"]["flash_attention"], "on");
    spec.options_json = "5";
    hearth::testing::expect_error(ErrorCode::invalid_argument, [&] { settings_text(spec); });
}

TEST(LoadSettings, APlanFitsIntoOptionsAlone) {
    Placement placement{.gpu_layers = 9, .split = {1, 2}, .expert_layers_on_host = 3};
    const Json options = Json::parse(plan_options({.unified = false}, placement, {"cuda0", "cuda1"}));
    EXPECT_EQ(options["unified"], false);
    EXPECT_EQ(options["device"], "cuda0,cuda1");
    EXPECT_EQ(options["gpu_layers"], 9);
    EXPECT_EQ(options["tensor_split"], Json({1.0, 2.0}));
    EXPECT_EQ(options["expert_layers_on_host"], 3);
}

TEST(BackendReport, PutsTheHostFirstAndAcceleratorsInThePlansOrder) {
    const Json report = {
        {"total_bytes", 6},
        {"devices",
         {{"a9", {{"weights", 1}}},
          {"cpu", {{"weights", 3}, {"mapped", 2}, {"repacked", 1}, {"state", 5}, {"output", 7}}},
          {"cuda0", {{"kv", 2}}}}}};
    const Estimate estimate = read_backend_report(report, {"cuda0", "cuda1"});
    ASSERT_EQ(estimate.devices.size(), 4u);
    EXPECT_EQ(estimate.devices[0].id, "cpu");
    EXPECT_EQ(estimate.devices[0].mapped, 2u);
    EXPECT_EQ(estimate.devices[0].repacked, 1u);
    EXPECT_EQ(estimate.devices[0].output, 7u);
    EXPECT_EQ(estimate.devices[1].id, "cuda0");
    EXPECT_EQ(estimate.devices[1].kv, 2u);
    EXPECT_EQ(estimate.devices[2].id, "cuda1");
    EXPECT_EQ(estimate.devices[2].total(), 0u);
    EXPECT_EQ(estimate.devices[3].id, "a9");
    EXPECT_EQ(estimate.total_bytes(), 3u + 5 + 2 + 1);
}

TEST(BackendReport, RefusesWhatMakesNoSense) {
    for (const Json& report : {Json(), Json{{"devices", 3}}, Json{{"devices", {{"cpu", 3}}}},
                               Json{{"devices", {{"cpu", {{"kv", -1}}}}}}}) {
        hearth::testing::expect_error(ErrorCode::backend_failed, [&] { read_backend_report(report); });
    }
}

#ifdef LLAMA_MANIFEST
TEST_F(DryRunTest, LlamaSaysWhatGoesWhere) {
    use(LLAMA_MANIFEST);
    const auto ask_llama = [&](int gpu_layers, std::vector<std::uint64_t> gpus) {
        DryRunQuestion question;
        question.options = {.context = 1024, .parallel = 2, .unified = false};
        question.placement.gpu_layers = gpu_layers;
        for (std::size_t i = 0; i < gpus.size(); ++i) {
            question.accelerators.push_back("cuda" + std::to_string(i));
        }
        question.pretended_bytes = std::move(gpus);
        question.files.push_back(open(TINY_MODEL));
        const DryRunAnswer answer = run(dry_run_->estimate(std::move(question)));
        EXPECT_TRUE(std::holds_alternative<Estimate>(answer)) << reason(answer);
        return std::holds_alternative<Estimate>(answer) ? std::get<Estimate>(answer) : Estimate();
    };
    const Estimate host = ask_llama(0, {});
    ASSERT_EQ(host.devices.size(), 1u);
    const DeviceBytes& cpu = host.devices[0];
    EXPECT_EQ(cpu.kv,
              2u * 2 * 1024 * 2 * 16 * 2 * 2); // sequences · layers · cells · heads · width · (K, V) · F16
    EXPECT_EQ(cpu.mapped, cpu.weights);
    EXPECT_EQ(cpu.output, 2u * 2048 * 4);
    const Estimate gpu = ask_llama(3, {std::uint64_t{6} << 30});
    ASSERT_EQ(gpu.devices.size(), 2u);
    EXPECT_EQ(gpu.devices[1].id, "cuda0");
    EXPECT_EQ(gpu.devices[1].kv, cpu.kv);
    EXPECT_EQ(gpu.devices[0].weights, 2048u * 128 * 4) << "the embeddings stay on the host";
    EXPECT_GT(gpu.devices[1].compute, 0u);
    const Estimate partial = ask_llama(2, {std::uint64_t{6} << 30, std::uint64_t{6} << 30});
    ASSERT_EQ(partial.devices.size(), 3u);
    EXPECT_EQ(partial.devices[0].kv, cpu.kv / 2) << "one of two layers";
    EXPECT_EQ(pids_.size(), 1u);
}
#endif

} // namespace
} // namespace hearth::runtime::memory
