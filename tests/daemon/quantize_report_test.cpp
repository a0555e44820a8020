#include "daemon/quantize_report.hpp"

#include "base/error.hpp"
#include "tests/base/expect_error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hearth::daemon {
namespace {

using testing::expect_error;
using ::testing::HasSubstr;

const Json types =
    Json::parse(R"({"types": [{"name": "Q8_0", "aliases": []}, {"name": "Q4_K_M", "aliases": ["Q4_K"]}],
                                  "refused": [{"name": "IQ1_S", "reason": "it needs more"}]})");

/// 90 % of the weights with 4.5 bits, 10 % with 8.5, and two of a norm.
Json plan(const char* type) {
    return {{"type", type},
            {"output_bytes", 700},
            {"elements", 32'002},
            {"tensors",
             {{{"type", "Q8_0"}, {"count", 1}, {"elements", 3'200}, {"bytes", 3'400}},
              {{"type", "Q4_K"}, {"count", 9}, {"elements", 28'800}, {"bytes", 16'200}},
              {{"type", "F32"}, {"count", 2}, {"elements", 2}, {"bytes", 8}}}}};
}

TEST(QuantizeReport, CountsBitsOfAllWeightsAndTheSaving) {
    const Json report = quantize_report(plan("Q4_K_M"));
    const double bits = 8.0 * (3'400 + 16'200 + 8) / 32'002;
    EXPECT_DOUBLE_EQ(report["bits_per_weight"], bits);
    EXPECT_DOUBLE_EQ(report["saving"]["f32"], 1 - bits / 32);
    EXPECT_DOUBLE_EQ(report["saving"]["f16"], 1 - bits / 16);
    EXPECT_EQ(report["size"], 700);
    EXPECT_EQ(report["tensors"][0]["type"], "Q4_K") << "the largest share first";
    EXPECT_DOUBLE_EQ(report["tensors"][0]["bits"], 4.5);
}

TEST(QuantizeReport, SaysWhyFourBitsAreNotEightyEightPercent) {
    const std::string note = quantize_report(plan("Q4_K_M"))["note"];
    EXPECT_EQ(note,
              "87.5 % less than F32 would be 4 bits for every weight; here 90.0 % of the weights are Q4_K "
              "(4.50 bits, scales included), 10.0 % Q8_0 (8.50)");
    EXPECT_FALSE(quantize_report(plan("Q8_0")).contains("note"));
    EXPECT_TRUE(quantize_report(plan("IQ4_XS")).contains("note"));
}

TEST(QuantizeReport, RefusesABackendWithoutNumbers) {
    for (const char* key : {"elements", "tensors"}) {
        Json broken = plan("Q8_0");
        broken.erase(key);
        expect_error(ErrorCode::backend_failed, [&] { quantize_report(broken); });
    }
    Json broken = plan("Q8_0");
    broken["tensors"][0]["elements"] = 0;
    expect_error(ErrorCode::backend_failed, [&] { quantize_report(broken); });
}

TEST(QuantizeType, IsFoundByNameAliasAndCase) {
    EXPECT_EQ(quantize_type(types, "q8_0"), "Q8_0");
    EXPECT_EQ(quantize_type(types, "Q4_k"), "Q4_K_M");
}

TEST(QuantizeType, IsRefusedWithTheReasonOrTheList) {
    EXPECT_THAT(expect_error(ErrorCode::unsupported, [] { quantize_type(types, "iq1_s"); }),
                HasSubstr("it needs more"));
    try {
        quantize_type(types, "q4_k_n");
        FAIL() << "it is unknown";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
        EXPECT_THAT(error.what(), HasSubstr("Q8_0, Q4_K_M"));
        EXPECT_THAT(error.hint(), HasSubstr("Q4_K_M"));
    }
}

} // namespace
} // namespace hearth::daemon
