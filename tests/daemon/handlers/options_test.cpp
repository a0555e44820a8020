#include "daemon/handlers/options.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <ostream>

namespace hearth::daemon {
namespace {

Json text(const char* json) {
    return Json::parse(json);
}

TEST(Options, BecomeTheFieldsOfTheBackend) {
    const Options options =
        parse_options(text(R"({"temperature": 0.5, "top_k": 20, "top_p": 0.8, "min_p": 0.1, "typical_p": 0.9,
        "repeat_last_n": 32, "repeat_penalty": 1.2, "presence_penalty": 0.3, "frequency_penalty": -0.4, "num_keep": 2, "seed": 7,
        "stop": ["a", "b"]})"));
    EXPECT_EQ(options.sampling,
              text(R"({"temperature": 0.5, "top_k": 20, "top_p": 0.8, "min_p": 0.1, "typical_p": 0.9,
        "repeat_last_n": 32, "repeat_penalty": 1.2, "presence_penalty": 0.3, "frequency_penalty": -0.4, "n_keep": 2, "seed": 7,
        "stop": ["a", "b"]})"));
}

TEST(Options, ThatShapeTheLoadAreNotSampling) {
    const Options options = parse_options(
        text(R"({"num_ctx": 8192, "num_thread": 3, "num_predict": 12, "num_gpu": -1, "use_mmap": true})"));
    EXPECT_EQ(options.load.context_tokens, 8192);
    EXPECT_EQ(options.load.threads, 3);
    EXPECT_EQ(options.num_predict, 12);
    EXPECT_TRUE(options.sampling.empty());
}

TEST(Options, NegativeNumPredictMeansUntilTheEnd) {
    EXPECT_EQ(parse_options(text(R"({"num_predict": -1})")).num_predict, std::nullopt);
    EXPECT_EQ(parse_options(text(R"({"num_predict": 0})")).num_predict, 0);
}

TEST(Options, WholeNumbersWithAPointAreIntegers) {
    EXPECT_EQ(parse_options(text(R"({"num_ctx": 4096.0})")).load.context_tokens, 4096);
    EXPECT_EQ(parse_options(text(R"({"top_k": 40.0})")).sampling["top_k"], 40);
}

TEST(Options, NegativeSeedIsNoSeedAndALargeOneFits) {
    EXPECT_FALSE(parse_options(text(R"({"seed": -1})")).sampling.contains("seed"));
    const Json seed = parse_options(text(R"({"seed": 9007199254740991})")).sampling["seed"];
    EXPECT_EQ(seed, 0xfffffffe); // 32 bits, and all ones would mean "choose one"
    EXPECT_EQ(parse_options(text(R"({"seed": 4000000000})")).sampling["seed"], 4000000000);
}

TEST(Options, OneStopTextIsAList) {
    EXPECT_EQ(parse_options(text(R"({"stop": "end"})")).sampling["stop"], Json::array({"end"}));
}

TEST(Options, ThatAreRetiredUnknownOrNullAreIgnored) {
    const Options options = parse_options(
        text(R"({"mirostat": "x", "numa": 5, "f16_kv": {}, "tfs_z": [], "top_k": null, "nonsense": "y"})"));
    EXPECT_TRUE(options.sampling.empty());
    EXPECT_EQ(options.others, text(R"({"nonsense": "y"})"));
}

TEST(Options, OfABackendBeginWithItsName) {
    Json body = Json::object();
    add_backend_options(parse_options(text(R"({"echo_delay_ms": 5, "llama_x": 1, "messages": []})")), "echo",
                        body);
    EXPECT_EQ(body, text(R"({"echo_delay_ms": 5})"));
}

struct Wrong {
    const char* json;
    const char* name;
};
void PrintTo(const Wrong& wrong, std::ostream* out) {
    *out << wrong.json;
}

class WrongOptions : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongOptions, AreRefusedByName) {
    try {
        parse_options(text(GetParam().json));
        FAIL() << "accepted";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
        EXPECT_NE(std::string(error.what()).find(GetParam().name), std::string::npos) << error.what();
    }
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongOptions,
    ::testing::Values(
        Wrong{R"([])", "options"}, Wrong{R"({"num_ctx": "big"})", "num_ctx"},
        Wrong{R"({"num_ctx": 0})", "num_ctx"}, Wrong{R"({"num_ctx": -5})", "num_ctx"},
        Wrong{R"({"num_ctx": 1e18})", "num_ctx"}, Wrong{R"({"num_predict": 1.5})", "num_predict"},
        Wrong{R"({"num_predict": true})", "num_predict"}, Wrong{R"({"temperature": "hot"})", "temperature"},
        Wrong{R"({"temperature": -0.1})", "temperature"}, Wrong{R"({"temperature": 1e300})", "temperature"},
        Wrong{R"({"top_p": 1.1})", "top_p"}, Wrong{R"({"min_p": -1})", "min_p"},
        Wrong{R"({"top_k": []})", "top_k"}, Wrong{R"({"top_k": -2})", "top_k"},
        Wrong{R"({"seed": "x"})", "seed"}, Wrong{R"({"seed": 1e40})", "seed"},
        Wrong{R"({"stop": 5})", "stop"}, Wrong{R"({"stop": [5]})", "stop"},
        Wrong{R"({"use_mmap": 1})", "use_mmap"}, Wrong{R"({"num_thread": -1})", "num_thread"}));

TEST(Options, ThatAreNoNumberAreRefused) {
    const Json options = {{"temperature", std::numeric_limits<double>::quiet_NaN()}};
    EXPECT_THROW(parse_options(options), Error);
}

TEST(Options, OfTheRequestWinOverTheModels) {
    const Json layered = layer_options(R"({"temperature": 0.1, "top_k": 5, "stop": ["x"]})",
                                       text(R"({"top_k": 9, "stop": null})"));
    EXPECT_EQ(layered, text(R"({"temperature": 0.1, "top_k": 9, "stop": ["x"]})"));
}

TEST(Options, ThatAModelGotWrongDoNotFailTheRequest) {
    EXPECT_EQ(layer_options(R"({"temperature": "hot", "top_k": 5, "unknown": 1})", Json()),
              text(R"({"top_k": 5})"));
    EXPECT_EQ(layer_options("not json", Json()), Json::object());
}

TEST(Options, DefaultsFillWhatNobodySaid) {
    Options options = parse_options(text(R"({"top_k": 1})"));
    apply_ollama_defaults(options);
    EXPECT_EQ(options.sampling["top_k"], 1);
    EXPECT_EQ(options.sampling["temperature"], 0.8);
    EXPECT_EQ(options.sampling["top_p"], 0.9);
    EXPECT_EQ(options.sampling["repeat_penalty"], 1.0);
}

} // namespace
} // namespace hearth::daemon
