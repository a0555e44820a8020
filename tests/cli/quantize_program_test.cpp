#include "tests/cli/hearth_process.hpp"

#include <nlohmann/json.hpp>

namespace hearth::testing {
namespace {

class QuantizeProgram : public HearthProgramTest {
  protected:
    const std::vector<std::string> lines_{
        R"({"status":"quantizing","total":1000,"completed":0})",
        R"({"status":"quantizing","total":1000,"completed":500})",
        R"({"status":"verifying","total":1000,"completed":1000})",
        R"({"status":"success","model":"big:q4_k_m","size":1000,"bits_per_weight":4.894,)"
        R"("saving":{"f32":0.8471,"f16":0.6941},"note":"87.5 % would be more"})"};
};

TEST_F(QuantizeProgram, TellsTheNameTheSizeAndTheSaving) {
    service_->on_lines("POST /hearth/v1/quantize", lines_);
    const ProgramResult result = hearth({"quantize", "big", "Q4_K_M", "--as", "mine"});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.out,
              "big:q4_k_m  1.0 KB\n4.89 bits per weight; 84.7 % less than F32, 69.4 % less than F16\n"
              "87.5 % would be more\n");
    EXPECT_EQ(result.err, "quantizing: 0% of 1.0 KB\nquantizing: 50% of 1.0 KB\nverifying: 100% of 1.0 KB\n");
    EXPECT_EQ(service_->last_body("POST /hearth/v1/quantize"),
              R"({"as":"mine","model":"big","stream":true,"type":"Q4_K_M"})");
}

TEST_F(QuantizeProgram, PrintsEventsAsJsonAndOnlyTheNameWhenItIsQuiet) {
    service_->on_lines("POST /hearth/v1/quantize", lines_);
    const auto events = hearth_json({"quantize", "big", "Q4_K_M"});
    ASSERT_EQ(events.size(), lines_.size());
    EXPECT_EQ(events.back()["model"], "big:q4_k_m");
    const ProgramResult quiet = hearth({"quantize", "big", "Q4_K_M", "-q"});
    EXPECT_EQ(quiet.out, "big:q4_k_m\n");
    EXPECT_EQ(quiet.err, "");
}

TEST_F(QuantizeProgram, FailsWhenTheServiceDoesNotSayThatItSucceeded) {
    service_->on_lines("POST /hearth/v1/quantize", {lines_[0]});
    EXPECT_EQ(hearth({"quantize", "big", "Q4_K_M"}).exit_code, 1);
    EXPECT_EQ(hearth({"quantize", "big"}).exit_code, 2) << "the type is missing";
}

} // namespace
} // namespace hearth::testing
