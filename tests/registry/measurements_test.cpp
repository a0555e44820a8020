#include "registry/measurements.hpp"

#include "registry/db/database.hpp"
#include "tests/base/temporary_dir.hpp"
#include "tests/registry/run_coroutine.hpp"

#include <gtest/gtest.h>

namespace hearth::registry {
namespace {

using testing::run_coroutine;

class MeasurementsTest : public ::testing::Test {
  protected:
    static MeasurementKey key(const std::string& settings = "{}") {
        return {"files", "llama 0.5.0", settings};
    }
    void load(const MeasurementKey& of, double seconds, std::uint64_t fixed = 50) {
        LoadMeasurement measured{of, R"({"planned":1})", R"({"devices":{}})", fixed, seconds};
        run_coroutine(and_true(measurements_.record_load(measured)));
    }
    void run(const MeasurementKey& of, double speed, double prompt = 0) {
        RunMeasurement measured{of, speed, prompt};
        run_coroutine(and_true(measurements_.record_run(measured)));
    }
    static boost::asio::awaitable<bool> and_true(boost::asio::awaitable<void> main) {
        co_await std::move(main);
        co_return true;
    }
    std::optional<Measurement> find(const MeasurementKey& of) {
        return run_coroutine(measurements_.find(of));
    }

    testing::TemporaryDir dir_;
    Database database_{dir_.path() / "index.db"};
    Measurements measurements_{database_};
};

TEST_F(MeasurementsTest, FindsWhatItWasToldUnderTheSameKeyOnly) {
    load(key(), 2.5, 123);
    const auto found = find(key());
    ASSERT_TRUE(found);
    EXPECT_EQ(found->predicted, R"({"planned":1})");
    EXPECT_EQ(found->measured, R"({"devices":{}})");
    EXPECT_EQ(found->fixed_bytes, 123u);
    EXPECT_DOUBLE_EQ(found->load_seconds, 2.5);
    EXPECT_DOUBLE_EQ(found->tokens_per_second, 0);
    EXPECT_FALSE(find(key("{\"context\":1}")));
    EXPECT_FALSE(find({"files", "llama 0.6.0", "{}"}));
    EXPECT_FALSE(find({"other", "llama 0.5.0", "{}"}));
}

TEST_F(MeasurementsTest, SmoothsSpeedsAndLoadTimes) {
    load(key(), 10);
    load(key(), 20);
    run(key(), 40, 100);
    run(key(), 60, 0);
    run(key(), 0, 200);
    const auto found = find(key());
    EXPECT_DOUBLE_EQ(found->load_seconds, 13);
    EXPECT_DOUBLE_EQ(found->tokens_per_second, 46);
    EXPECT_DOUBLE_EQ(found->prompt_tokens_per_second, 130);
    EXPECT_EQ(found->loads, 2);
    EXPECT_EQ(found->runs, 3);
}

TEST_F(MeasurementsTest, ARunWithoutALoadLeavesNothing) {
    run(key(), 40);
    EXPECT_FALSE(find(key()));
}

TEST_F(MeasurementsTest, ListsAModelsSettingsNewestFirst) {
    load(key("a"), 1);
    load(key("b"), 1);
    load({"other", "llama 0.5.0", "c"}, 1);
    load(key("a"), 1);
    const auto list = run_coroutine(measurements_.of_model("files", "llama 0.5.0"));
    ASSERT_EQ(list.size(), 2u);
    EXPECT_EQ(list[0].key.settings, "a");
    EXPECT_EQ(list[1].key.settings, "b");
}

TEST_F(MeasurementsTest, TheFixedPartIsTheMedianOfThatEngine) {
    EXPECT_FALSE(run_coroutine(measurements_.fixed_bytes("llama 0.5.0")));
    load(key("a"), 1, 60);
    load(key("b"), 1, 9000);
    load(key("c"), 1, 70);
    load({"files", "other", "{}"}, 1, 1);
    EXPECT_EQ(run_coroutine(measurements_.fixed_bytes("llama 0.5.0")), 70u);
}

TEST_F(MeasurementsTest, KeepsWhatItKnowsAcrossARestart) {
    load(key(), 3);
    Database again(dir_.path() / "index.db");
    Measurements reopened(again);
    EXPECT_TRUE(run_coroutine(reopened.find(key())));
}

} // namespace
} // namespace hearth::registry
