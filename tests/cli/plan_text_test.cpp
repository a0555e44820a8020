#include "cli/plan_text.hpp"
#include "cli/terminal.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <clocale>
#include <sstream>

namespace hearth::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Json choice(const char* quant, std::uint64_t size, double speed, const char* grade) {
    return {{"quant", quant},
            {"fits", true},
            {"placement", "partial"},
            {"gpu_layers", 34},
            {"context", 8192},
            {"parallel", 1},
            {"kv_type", "q8_0"},
            {"memory",
             {{"total_bytes", size},
              {"devices",
               {{{"id", "cpu"}, {"total", 880'000'000}}, {{"id", "cuda0"}, {"total", size - 880'000'000}}}}}},
            {"size_bytes", size},
            {"tokens_per_second", speed},
            {"quality", {{"grade", grade}, {"interpolated", false}}},
            {"reason", std::string("because of ") + quant}};
}

Json plan() {
    Json better = choice("Q8_0", 8'700'000'000, 5.6, "near lossless");
    better["fits"] = false;
    better["reason"] = "needs 3.1 GB more on cpu";
    const Json pick = choice("Q4_K_M", 5'020'000'000, 15.97, "good");
    const Json worse = choice("Q4_K_S", 4'800'000'000, 17, "good");
    return {{"version", 1},
            {"model", "hf.co/example/model"},
            {"choices", {better, pick, worse}},
            {"pick", pick},
            {"better", better},
            {"worse", worse},
            {"nearest", Json::array()},
            {"advice", nullptr}};
}

class PlanText : public ::testing::Test {
  protected:
    PlanText() { std::setlocale(LC_CTYPE, "C.UTF-8"); }
};

TEST_F(PlanText, ShowsARowForEachQuantizationAndWhyOneIsPicked) {
    EXPECT_EQ(plan_text(plan(), 80),
              "hf.co/example/model\n"
              "\n"
              "  QUANT   SIZE    CPU     CUDA0   CONTEXT    FITS  TOK/S  QUALITY\n"
              "  Q8_0    8.7 GB  880 MB  7.8 GB  8192 q8_0  no    5.6    near lossless\n"
              "* Q4_K_M  5.0 GB  880 MB  4.1 GB  8192 q8_0  yes   16     good\n"
              "  Q4_K_S  4.8 GB  880 MB  3.9 GB  8192 q8_0  yes   17     good\n"
              "\n"
              "pick    Q4_K_M, 34 layers on the GPU: because of Q4_K_M\n"
              "better  Q8_0: needs 3.1 GB more on cpu\n"
              "worse   Q4_K_S, 34 layers on the GPU: because of Q4_K_S\n");
}

TEST_F(PlanText, FitsTheTerminal) {
    std::istringstream lines(plan_text(plan(), 68));
    std::string line;
    while (std::getline(lines, line) && line.find("pick") == std::string::npos) {
        EXPECT_LE(display_width(line), 68u) << line;
    }
}

TEST_F(PlanText, GivesTabsToPrograms) {
    EXPECT_THAT(plan_text(plan(), std::nullopt),
                HasSubstr("* Q4_K_M\t5.0 GB\t880 MB\t4.1 GB\t8192 q8_0\tyes\t16\tgood\n"));
}

TEST_F(PlanText, SaysWhatComesNearestWhenNothingFits) {
    Json json = plan();
    Json nearest = json["pick"];
    nearest["reason"] = "a context of 2816 tokens instead of 32768";
    json["pick"] = json["better"] = json["worse"] = nullptr;
    json["nearest"] = Json::array({nearest});
    json["advice"] = "Q8_0 does not fit";
    const std::string text = plan_text(json, 80);
    EXPECT_THAT(
        text, HasSubstr("advice  Q8_0 does not fit\n"
                        "nearest Q4_K_M, 34 layers on the GPU: a context of 2816 tokens instead of 32768\n"));
    EXPECT_THAT(text, Not(HasSubstr("*")));
}

TEST_F(PlanText, MarksUnknownSpeedInterpolatedQualityAndSequences) {
    Json json = plan();
    json["choices"][0]["tokens_per_second"] = nullptr;
    json["choices"][0]["quality"]["interpolated"] = true;
    json["choices"][0]["parallel"] = 4;
    json["choices"][0]["kv_type"] = "f16";
    EXPECT_THAT(plan_text(json, std::nullopt), HasSubstr("4x8192\tno\t?\t~near lossless\n"));
}

TEST_F(PlanText, GivesADashForADeviceThatAChoiceDoesNotUse) {
    Json json = plan();
    json["choices"][1]["memory"]["devices"].erase(1);
    EXPECT_THAT(plan_text(json, std::nullopt), HasSubstr("* Q4_K_M\t5.0 GB\t880 MB\t-\t"));
}

TEST_F(PlanText, HoldsForAnswersOfAnotherForm) {
    for (const char* text : {"{}", "[]", "null", "{\"choices\": 3, \"pick\": \"x\"}",
                             "{\"choices\": [{\"memory\": 1, \"quality\": [], \"context\": {}}]}"}) {
        EXPECT_NO_THROW(plan_text(parse_json(text, "plan"), 80)) << text;
    }
}

TEST_F(PlanText, ShowsNoEscapeSequences) {
    Json json = plan();
    json["model"] = "a\x1b[31m";
    json["pick"]["reason"] = "b\x1b[0m\nc";
    EXPECT_THAT(plan_text(json, 80), Not(HasSubstr("\x1b")));
}

} // namespace
} // namespace hearth::cli
