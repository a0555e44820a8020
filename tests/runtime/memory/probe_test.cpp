#include "runtime/memory/probe.hpp"
#include "tests/runtime/memory/fake_backend.hpp"

#include <gmock/gmock.h>

namespace hearth::runtime::memory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Probe : public FakeBackends {};

TEST_F(Probe, AsksEveryBackendAndEndsItsProcess) {
    answers_["one"] = {{"devices", {{{"id", "cpu"}, {"kind", "cpu"}, {"total_bytes", 5}}}}};
    answers_["two"] = {{"devices",
                        {{{"id", "cuda0"},
                          {"kind", "gpu"},
                          {"description", "Some GPU"},
                          {"total_bytes", 8u},
                          {"free_bytes", 6u},
                          {"display", true},
                          {"memory_source", "nvml"}}}}};
    const ProbeResult result = run(probe_devices({plugin("one"), plugin("two")}, starter()));
    EXPECT_THAT(heads_, ElementsAre(R"({"op":"devices"})", R"({"op":"devices"})"));
    EXPECT_EQ(stopped_, 2);
    EXPECT_TRUE(result.warnings.empty());
    ASSERT_EQ(result.devices.size(), 2u);
    const BackendDevice& gpu = result.devices[1];
    EXPECT_EQ(gpu.backend, "two");
    EXPECT_EQ(gpu.kind, DeviceKind::gpu);
    EXPECT_EQ(gpu.total_bytes, 8u);
    EXPECT_EQ(gpu.free_bytes, 6u);
    EXPECT_TRUE(gpu.display);
    EXPECT_EQ(gpu.memory_source, "nvml");
}

TEST_F(Probe, GoesOnWithoutABackendThatFails) {
    failures_.emplace("bad", Error(ErrorCode::runner_lost, "it ended"));
    answers_["good"] = {{"devices", {{{"id", "cpu"}, {"kind", "cpu"}}}}};
    const ProbeResult result = run(probe_devices({plugin("bad"), plugin("good")}, starter()));
    EXPECT_EQ(result.devices.size(), 1u);
    ASSERT_EQ(result.warnings.size(), 1u);
    EXPECT_THAT(result.warnings[0], HasSubstr("asking backend bad: it ended"));
    EXPECT_EQ(stopped_, 2) << "the process that failed is ended as well";
}

TEST_F(Probe, LeavesOutWhatMakesNoSense) {
    const Json answer = {{"devices",
                          {{{"id", "cpu"}, {"kind", "cpu"}, {"total_bytes", -5}, {"free_bytes", "much"}},
                           {{"id", "x"}, {"kind", "toaster"}},
                           {{"kind", "gpu"}},
                           {{"id", 7}, {"kind", "gpu"}},
                           17}}};
    const auto devices = parse_devices(answer, "b");
    ASSERT_EQ(devices.size(), 1u);
    EXPECT_EQ(devices[0].total_bytes, 0u);
    EXPECT_EQ(devices[0].free_bytes, 0u);
    EXPECT_TRUE(parse_devices(Json(5), "b").empty());
    EXPECT_TRUE(parse_devices(Json::object(), "b").empty());
}

TEST_F(Probe, ReadsSpeedsByDeviceAndType) {
    const Speeds speeds =
        parse_speeds({{"bandwidth", 20e9},
                      {"devices",
                       {{"cpu", {{"throughput", {{"Q4_K", 9e9}, {"F16", -1}, {"Q8_0", "fast"}}}}},
                        {"cuda0", {{"throughput", {{"F16", 300e9}, {"Q4_K", 200e9}}}}},
                        {"cuda1", 5}}}});
    ASSERT_EQ(speeds.size(), 2u);
    EXPECT_EQ(speeds.at("cpu").bandwidth, 20e9);
    EXPECT_EQ(speeds.at("cpu").throughput, (std::map<std::string, double>{{"Q4_K", 9e9}}));
    EXPECT_EQ(speeds.at("cuda0").bandwidth, 300e9) << "its fastest type";
    EXPECT_TRUE(parse_speeds(Json()).empty());
    EXPECT_TRUE(parse_speeds({{"bandwidth", 1e300}}).empty());
}

TEST_F(Probe, MeasuresWithTheBackendsThatRunModels) {
    measured_["echo"] = {{"bandwidth", 1e9}};
    measured_["engine"] = {{"bandwidth", 2e9}};
    const SpeedResult both = run(measure_speeds({plugin("echo"), model_plugin("engine")}, starter(), 4));
    EXPECT_EQ(both.speeds.at("cpu").bandwidth, 2e9);
    EXPECT_THAT(heads_, ElementsAre(HasSubstr(R"("threads":4)")));
    const SpeedResult one = run(measure_speeds({plugin("echo")}, starter(), 4));
    EXPECT_EQ(one.speeds.at("cpu").bandwidth, 1e9);
    EXPECT_TRUE(run(measure_speeds({}, starter(), 4)).speeds.empty());
}

} // namespace
} // namespace hearth::runtime::memory
