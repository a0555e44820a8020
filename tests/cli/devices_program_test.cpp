#include "tests/cli/hearth_process.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace hearth::testing {
namespace {

using ::testing::HasSubstr;

class DevicesProgram : public HearthProgramTest {
  protected:
    const std::string answer_ =
        R"({"devices":[{"id":"cpu","kind":"cpu","description":"Some CPU","total_bytes":16000000000,)"
        R"("free_bytes":4000000000,"budget_bytes":3000000000,"bandwidth":20000000000.0,"bandwidth_source":"measured",)"
        R"("limited_by":{"name":"cgroup","detail":"/job memory.max","limit_bytes":5,"free_bytes":4},"limits":[]},)"
        R"({"id":"cuda0","kind":"gpu","description":"Some GPU","total_bytes":8000000000,"free_bytes":7000000000,)"
        R"("budget_bytes":6000000000,"bandwidth":250000000000.0,"bandwidth_source":"assumed"}],)"
        R"("cores":4,"measured_at":"2026-01-01T00:00:00Z","measuring":false,"warnings":[]})";
};

TEST_F(DevicesProgram, PrintsWhatEachDeviceHasAndWhatLimitsIt) {
    service_->on("GET /hearth/v1/devices", 200, answer_);
    const ProgramResult result = hearth({"devices"});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.out,
              "DEVICE\tMEMORY\tFREE\tUSABLE\tLIMIT\tBANDWIDTH\tDESCRIPTION\n"
              "cpu\t16000000000\t4000000000\t3000000000\tcgroup /job memory.max\t20000000000\tSome CPU\n"
              "cuda0\t8000000000\t7000000000\t6000000000\t-\t250000000000\tSome GPU\n");
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(hearth({"devices", "-q"}).out, "cpu\ncuda0\n");
}

TEST_F(DevicesProgram, PrintsTheServicesAnswerAsJson) {
    service_->on("GET /hearth/v1/devices", 200, answer_);
    Json wanted = Json::parse(answer_);
    wanted["version"] = 1;
    EXPECT_EQ(hearth_json({"devices"}).at(0), wanted);
}

TEST_F(DevicesProgram, SaysWhenSpeedsAreAssumedAndWhoDidNotAnswer) {
    service_->on("GET /hearth/v1/devices", 200,
                 R"({"devices":[],"warnings":["asking backend x: it ended"],"measuring":true})");
    const ProgramResult result = hearth({"devices"});
    EXPECT_THAT(result.err, HasSubstr("warning: asking backend x: it ended\n"));
    EXPECT_THAT(result.err, HasSubstr("hearth devices --measure does it now\n"));
}

TEST_F(DevicesProgram, MeasuresWhenItIsAskedTo) {
    service_->on("POST /hearth/v1/devices/measure", 200, answer_);
    EXPECT_EQ(hearth({"devices", "--measure", "-q"}).out, "cpu\ncuda0\n");
}

} // namespace
} // namespace hearth::testing
