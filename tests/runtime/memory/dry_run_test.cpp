/// The closed form against the engine's own account, for every probe: the gain over what peers compute is a column.
#include "base/unique_fd.hpp"
#include "registry/gguf/architectures.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/shape.hpp"
#include "runtime/memory/estimate.hpp"
#include "tests/base/temporary_dir.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace hearth::runtime::memory {
namespace {

constexpr double mebibyte = 1 << 20;
const std::vector<std::string> one_gpu = {"gpu0"};
const std::vector<std::string> two_gpus = {"gpu0", "gpu1"};

struct DryRun {
    std::uint64_t weights = 0;
    std::uint64_t caches = 0; // keys, values and states
    std::uint64_t compute = 0;
    std::uint64_t total() const { return weights + caches + compute; }
};

std::vector<std::string> lines_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    std::vector<std::string> lines;
    std::array<char, 256> buffer{};
    while (pipe && std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr)
        lines.emplace_back(buffer.data());
    return lines;
}

std::string text_of(const EstimateOptions& options) {
    return fmt::format("{}:{}:{}:{}:{}:{}:{}", options.context, options.parallel,
                       cache_type_name(options.kv_type), options.unified ? 1 : 0,
                       options.flash_attention ? 1 : 0, options.ubatch, options.embeddings ? 1 : 0);
}

/// What the engine would allocate on each device; the host first.
std::vector<DryRun> dry_run_placed(const std::filesystem::path& model, const EstimateOptions& options,
                                   const Placement& placement, std::size_t devices) {
    const auto lines = lines_of(fmt::format("'{}' '{}' gpu:{}:{}:{} {} 2>/dev/null", HEARTH_DRY_RUN,
                                            model.string(), placement.gpu_layers,
                                            placement.expert_layers_on_host, devices, text_of(options)));
    std::vector<DryRun> result;
    std::istringstream numbers(lines.empty() ? std::string() : lines.front());
    for (DryRun run; numbers >> run.weights >> run.caches >> run.compute;)
        result.push_back(run);
    return result;
}

/// One child process for a model; absent where the engine failed.
std::vector<std::optional<DryRun>> dry_run(const std::filesystem::path& model,
                                           const std::vector<EstimateOptions>& settings) {
    std::string command = fmt::format("'{}' '{}'", HEARTH_DRY_RUN, model.string());
    for (const EstimateOptions& options : settings)
        command += " " + text_of(options);
    std::vector<std::optional<DryRun>> results;
    for (const std::string& line : lines_of(command + " 2>/dev/null")) {
        DryRun run;
        const int read = std::sscanf(line.c_str(), "%lu %lu %lu", &run.weights, &run.caches, &run.compute);
        results.push_back(read == 3 ? std::optional(run) : std::nullopt);
    }
    results.resize(settings.size());
    return results;
}

registry::gguf::Header header_of(const std::filesystem::path& model) {
    const UniqueFd file(::open(model.c_str(), O_RDONLY | O_CLOEXEC));
    return registry::gguf::parse_header(registry::gguf::FileSource(file.get()));
}

registry::ModelShape shape_of(const std::filesystem::path& model) {
    return registry::gguf::read_shape(header_of(model));
}

std::vector<EstimateOptions> settings_of(const registry::ModelShape& shape) {
    std::vector<EstimateOptions> settings;
    const std::uint64_t longest = shape.context_trained;
    for (const std::uint64_t context :
         std::set{std::min<std::uint64_t>(4096, longest), std::min<std::uint64_t>(32768, longest), longest})
        for (const CacheType type : {CacheType::f16, CacheType::q8_0})
            for (const int parallel : {1, 4})
                settings.push_back(
                    {.context = context, .parallel = parallel, .kv_type = type, .embeddings = shape.embeds});
    return settings;
}

/// What else a load may be told: batches, separate caches, no flash attention.
std::vector<EstimateOptions> unusual_settings_of(const registry::ModelShape& shape) {
    const EstimateOptions usual{.context = std::min<std::uint64_t>(8192, shape.context_trained),
                                .embeddings = shape.embeds};
    std::vector<EstimateOptions> settings(5, usual);
    settings[0].ubatch = 128;
    settings[1].ubatch = 1024;
    settings[2].parallel = 4;
    settings[2].unified = false;
    settings[3].flash_attention = false;
    settings[4].kv_type = CacheType::q4_0;
    return settings;
}

/// Writes all probes once for the suite; they are gone after it.
class ClosedForm : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        folder_ = std::make_unique<testing::TemporaryDir>();
        const std::string command =
            fmt::format("'{}' -B '{}' '{}'", HEARTH_PYTHON, HEARTH_MAKE_PROBE, folder_->path().string());
        ASSERT_EQ(std::system(command.c_str()), 0); // NOLINT(cert-env33-c): our own script
        for (const auto& entry : std::filesystem::directory_iterator(folder_->path()))
            (entry.path().stem().string().ends_with("-mmproj") ? projectors_ : models_)
                .push_back(entry.path());
        std::ranges::sort(models_);
    }
    static void TearDownTestSuite() {
        folder_.reset();
        models_.clear();
        projectors_.clear();
    }

    static inline std::unique_ptr<testing::TemporaryDir> folder_;
    static inline std::vector<std::filesystem::path> models_;
    static inline std::vector<std::filesystem::path> projectors_;
};

/// Counts how far the estimates are from the engine's figures, and prints a row for each. Weights and caches are
/// equal to the byte; what differs is the room to compute.
class Comparison {
  public:
    Comparison() {
        fmt::print("{:22} {:>7} {:>2} {:5} {:>10} {:>10} {:>8} {:>8}\n", "model", "context", "np", "kv",
                   "L1 MiB", "L2 MiB", "L1-L2", "naive");
    }

    void add(const std::string& name, const registry::ModelShape& shape, const EstimateOptions& options,
             const DryRun& run) {
        const Estimate own = estimate(shape, options);
        const DeviceBytes& host = own.devices.front();
        EXPECT_EQ(host.weights, run.weights) << name;
        EXPECT_EQ(host.kv + host.state, run.caches) << name;
        const auto percent = [&](std::uint64_t bytes) {
            return 100 * (static_cast<double>(bytes) / static_cast<double>(run.total()) - 1);
        };
        const double difference = percent(own.total_bytes());
        const auto cells = options.context * static_cast<std::uint64_t>(options.parallel);
        fmt::print("{:22} {:7} {:2} {:5} {:10.1f} {:10.1f} {:+7.2f}% {:+7.1f}%\n", name, options.context,
                   options.parallel, cache_type_name(options.kv_type),
                   static_cast<double>(own.total_bytes()) / mebibyte,
                   static_cast<double>(run.total()) / mebibyte, difference,
                   percent(naive_bytes(shape, cells)));
        ++rows_;
        close_ += std::abs(difference) <= 1 ? 1 : 0;
        naive_close_ += std::abs(percent(naive_bytes(shape, cells))) <= 1 ? 1 : 0;
        highest_ = std::max(highest_, difference);
        lowest_ = std::min(lowest_, difference);
    }

    void judge() const {
        fmt::print("{} rows; within 1 %: {} (naive: {}); farthest {:+.2f} % and {:+.2f} %\n", rows_, close_,
                   naive_close_, lowest_, highest_);
        EXPECT_GE(close_ * 100, rows_ * 95) << "too many are more than 1 % off";
        EXPECT_LE(highest_, 3) << "one is too high";
        EXPECT_GE(lowest_, -1) << "one promises too little";
    }

  private:
    int rows_ = 0;
    int close_ = 0;
    int naive_close_ = 0;
    double highest_ = 0;
    double lowest_ = 0;
};

TEST_F(ClosedForm, IsWithinOnePercentOfTheEnginesDryRun) {
    ASSERT_GE(models_.size(), 24U) << "a model of each kind";
    Comparison comparison;
    for (const auto& model : models_) {
        const registry::ModelShape shape = shape_of(model);
        const auto settings = settings_of(shape);
        const auto runs = dry_run(model, settings);
        for (std::size_t i = 0; i < settings.size(); ++i) {
            ASSERT_TRUE(runs[i]) << model.stem() << ": the engine failed at " << text_of(settings[i]);
            comparison.add(model.stem().string(), shape, settings[i], *runs[i]);
        }
    }
    comparison.judge();
}

TEST_F(ClosedForm, StaysCloseAtUnusualSettings) {
    Comparison comparison;
    for (const auto& model : models_) {
        const registry::ModelShape shape = shape_of(model);
        const auto settings = unusual_settings_of(shape);
        const auto runs = dry_run(model, settings);
        for (std::size_t i = 0; i < settings.size(); ++i)
            if (runs[i]) // not every model can do without flash attention or keep heads in blocks of 32
                comparison.add(model.stem().string() + " " + text_of(settings[i]), shape, settings[i],
                               *runs[i]);
    }
    comparison.judge();
}

TEST_F(ClosedForm, HasAProbeOfEveryArchitectureThatItKnows) {
    std::set<std::string> probed;
    for (const auto& model : models_)
        probed.insert(shape_of(model).architecture);
    for (const registry::gguf::Architecture& architecture : registry::gguf::known_architectures())
        EXPECT_TRUE(probed.contains(std::string(architecture.name))) << architecture.name;
}

/// The last layers on pretended accelerators, as the engine places and pads them.
TEST_F(ClosedForm, IsCloseToTheEngineOnEachAccelerator) {
    fmt::print("{:20} {:>6} {:>7} {:>5} {:>10} {:>10} {:>9}\n", "model", "layers", "experts", "id", "L1 MiB",
               "L2 MiB", "L1-L2 MiB");
    for (const char* name : {"llama-3.1-8b", "llama-3.3-70b", "qwen3-8b", "qwen3-30b-a3b", "gemma-3-12b",
                             "gpt-oss-20b", "deepseek-v2-lite", "lfm2-1.2b", "phi-4"}) {
        const auto path = folder_->path() / fmt::format("{}.gguf", name);
        const registry::ModelShape shape = shape_of(path);
        const int all = static_cast<int>(shape.layers.size()) + 1;
        std::vector<std::pair<Placement, std::size_t>> placements = {
            {{.gpu_layers = all}, 1},
            {{.gpu_layers = all * 3 / 5}, 1},
            {{.gpu_layers = all, .split = {1, 1}}, 2}};
        if (shape.experts > 0)
            placements.push_back({{.gpu_layers = all, .expert_layers_on_host = all / 2}, 1});
        for (const auto& [placement, devices] : placements) {
            const EstimateOptions options{.context = 8192};
            const auto runs = dry_run_placed(path, options, placement, devices);
            const Estimate own = estimate(shape, options, placement, devices == 1 ? one_gpu : two_gpus);
            ASSERT_EQ(runs.size(), own.devices.size()) << name;
            for (std::size_t i = 0; i < runs.size(); ++i) {
                const DeviceBytes& bytes = own.devices[i];
                const double difference =
                    (static_cast<double>(bytes.total()) - static_cast<double>(runs[i].total())) / mebibyte;
                const double engine = static_cast<double>(runs[i].total()) / mebibyte;
                fmt::print("{:20} {:6} {:7} {:>5} {:10.1f} {:10.1f} {:+9.1f}\n", name, placement.gpu_layers,
                           placement.expert_layers_on_host, bytes.id,
                           static_cast<double>(bytes.total()) / mebibyte, engine, difference);
                EXPECT_LE(difference, std::max(0.02 * engine, 24.0)) << name;
                EXPECT_GE(difference, -std::max(0.01 * engine, 24.0)) << name;
            }
        }
    }
}

TEST_F(ClosedForm, CountsAProjectorToTheByte) {
    ASSERT_FALSE(projectors_.empty());
    for (const auto& projector : projectors_) {
        const registry::SideFileShape side = registry::gguf::read_side_file(header_of(projector));
        const auto lines =
            lines_of(fmt::format("'{}' '{}' projector 2>/dev/null", HEARTH_DRY_RUN, projector.string()));
        ASSERT_EQ(lines.size(), 1U);
        EXPECT_EQ(side.weight_bytes + side.compute_bytes, std::strtoull(lines[0].c_str(), nullptr, 10));
    }
}

} // namespace
} // namespace hearth::runtime::memory
