#include "base/atomic_file.hpp"
#include "runtime/memory/machine_source.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/runtime/fake_runtime.hpp"
#include "tests/runtime/memory/fake_backend.hpp"
#include "tests/runtime/memory/fake_root.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace hearth::runtime::memory {
namespace {

using testing::expect_error;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::uint64_t gibibyte = 1024ull * 1024 * 1024;

class MachineSourceTest : public FakeBackends {
  protected:
    MachineSourceTest() {
        root_.write_meminfo(16 << 20, 10 << 20);
        answers_["engine"] = {{"devices", Json::array()}};
    }
    ~MachineSourceTest() override {
        end();
        pool_.join();
    }
    void end() {
        if (source_) {
            run(source_->stop());
            source_.reset();
        }
    }

    MachineSource& source(std::vector<PluginManifest> plugins = {model_plugin("engine")}) {
        if (!source_) {
            MachineSourceSeams seams;
            seams.start_runner = starter();
            seams.root = root_.path();
            seams.record = record_;
            seams.held = [this] { return held_; };
            seams.busy = [this] { return busy_; };
            seams.clock = &time_;
            seams.sleep = [this](std::chrono::steady_clock::duration length) {
                return time_.wait_until(time_.steady_now() + length);
            };
            source_ = std::make_unique<MachineSource>(io_.get_executor(), config_, std::move(plugins), pool_,
                                                      std::move(seams));
        }
        return *source_;
    }
    void give_gpu(std::uint64_t free) {
        answers_["engine"]["devices"] = {
            {{"id", "cuda0"}, {"kind", "gpu"}, {"total_bytes", 8 * gibibyte}, {"free_bytes", free}}};
    }
    void give_speeds() { measured_["engine"] = {{"bandwidth", 30e9}}; }
    std::size_t asked(const std::string& what) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            heads_, [&](const std::string& head) { return head.find(what) != std::string::npos; }));
    }

    testing::FakeRoot root_;
    testing::TemporaryDir dir_;
    std::filesystem::path record_ = dir_.path() / "speed.json";
    Config config_;
    std::uint64_t held_ = 0;
    bool busy_ = false;
    BlockingPool pool_{1};
    FakeTime time_{io_.get_executor()};
    std::unique_ptr<MachineSource> source_;
};

TEST_F(MachineSourceTest, ReadsTheHostsMemoryAnewEachTime) {
    EXPECT_EQ(run(source().machine()).host.free_bytes, 10 * gibibyte);
    root_.write_meminfo(16 << 20, 3 << 20);
    EXPECT_EQ(run(source().machine()).host.free_bytes, 3 * gibibyte);
    EXPECT_EQ(asked("devices"), 1u) << "devices of a machine without accelerators are remembered";
}

TEST_F(MachineSourceTest, AsksForAcceleratorsAgainWhenTheAnswerIsOld) {
    give_gpu(7 * gibibyte);
    EXPECT_EQ(run(source().machine()).accelerators.at(0).free_bytes, 7 * gibibyte);
    give_gpu(2 * gibibyte);
    EXPECT_EQ(run(source().machine()).accelerators.at(0).free_bytes, 7 * gibibyte);
    time_.advance(2s);
    EXPECT_EQ(run(source().machine()).accelerators.at(0).free_bytes, 2 * gibibyte);
}

TEST_F(MachineSourceTest, AsksForAcceleratorsAgainWhenAModelCameOrWent) {
    give_gpu(7 * gibibyte);
    source().note_memory_moved(); // nobody has asked yet
    EXPECT_EQ(run(source().machine()).accelerators.at(0).free_bytes, 7 * gibibyte);
    give_gpu(2 * gibibyte);
    source().note_memory_moved();
    EXPECT_EQ(run(source().machine()).accelerators.at(0).free_bytes, 2 * gibibyte);
}

TEST_F(MachineSourceTest, CountsWhatOurModelsHoldAgainstTheCap) {
    config_.ram_limit_bytes = 5 * gibibyte;
    held_ = 2 * gibibyte;
    const MachineReport report = run(source().report());
    EXPECT_EQ(report.machine.host.free_bytes, 3 * gibibyte);
    EXPECT_EQ(report.machine.host.margin_bytes, 0u);
    EXPECT_EQ(report.memory.ruling()->name, "ram_limit");
}

TEST_F(MachineSourceTest, TakesUsualSpeedsUntilItHasMeasured) {
    give_speeds();
    const MachineReport before = run(source().report());
    EXPECT_TRUE(before.machine.host.bandwidth_assumed);
    EXPECT_EQ(before.measured_at, "");
    run(source().measure());
    const MachineReport after = run(source().report());
    EXPECT_FALSE(after.machine.host.bandwidth_assumed);
    EXPECT_EQ(after.machine.host.bandwidth, 30e9);
    EXPECT_NE(after.measured_at, "");
}

TEST_F(MachineSourceTest, MeasuresByItselfOnceTheMachineIsQuiet) {
    give_speeds();
    busy_ = true;
    EXPECT_TRUE((run(source().report()), run(source().report())).measuring);
    time_.advance(15s);
    settle();
    EXPECT_EQ(asked("measure"), 0u) << "a model is answering";
    busy_ = false;
    time_.advance(15s);
    for (int turn = 0; turn < 1000 && run(source().report()).measured_at.empty(); ++turn) {
        settle();
    }
    EXPECT_NE(run(source().report()).measured_at, "");
    EXPECT_EQ(asked("measure"), 1u);
}

TEST_F(MachineSourceTest, RemembersWhatItMeasured) {
    give_speeds();
    run(source().measure());
    end();
    EXPECT_EQ(run(source().machine()).host.bandwidth, 30e9);
    EXPECT_EQ(asked("measure"), 1u);
}

TEST_F(MachineSourceTest, MeasuresAgainForAnotherEngine) {
    give_speeds();
    run(source().measure());
    end();
    PluginManifest newer = model_plugin("engine");
    newer.version = "2";
    EXPECT_TRUE(run(source({newer}).machine()).host.bandwidth_assumed);
}

TEST_F(MachineSourceTest, MeasuresAgainWhenTheRecordIsBroken) {
    for (const char* text : {"", "{", "[]", R"({"format":1})", R"({"format":2,"cpu":"CPU"})"}) {
        write_file_atomically(record_, text);
        EXPECT_TRUE(run(source().machine()).host.bandwidth_assumed) << text;
        end();
    }
}

TEST_F(MachineSourceTest, SaysWhatKeptItFromMeasuring) {
    failures_.emplace("engine", Error(ErrorCode::backend_failed, "no device"));
    const std::string text = expect_error(ErrorCode::backend_failed, [&] { run(source().measure()); });
    EXPECT_THAT(text, HasSubstr("asking backend engine: no device"));
    EXPECT_FALSE(std::filesystem::exists(record_));
}

TEST_F(MachineSourceTest, ReportsBackendsThatDoNotAnswer) {
    failures_.emplace("engine", Error(ErrorCode::runner_lost, "it ended"));
    EXPECT_EQ(run(source().report()).warnings.size(), 1u);
}

} // namespace
} // namespace hearth::runtime::memory
