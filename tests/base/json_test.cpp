#include "base/json.hpp"
#include "tests/base/expect_error.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hearth {
namespace {

using testing::expect_error;

std::string refusal(std::string_view text, int max_depth = 64) {
    return expect_error(ErrorCode::invalid_argument, [&] { parse_json(text, "request body", max_depth); });
}

TEST(ParseJson, ReadsWhatItWrites) {
    const std::string text = R"({"a":[1,2.5,true,null,"\u00e9"],"b":{"a":{}}})";
    EXPECT_EQ(to_text(parse_json(text, "x")), "{\"a\":[1,2.5,true,null,\"\xC3\xA9\"],\"b\":{\"a\":{}}}");
}

TEST(ParseJson, SaysWhereTheSyntaxEndsAndQuotesNothing) {
    EXPECT_EQ(refusal(R"({"prompt": secret})"), "request body is not valid JSON at byte 12");
}

TEST(ParseJson, RefusesTrailingTextAndEmptyInput) {
    refusal("{} {}");
    refusal("");
    refusal("nul");
}

TEST(ParseJson, RefusesAKeyThatStandsTwiceInOneObject) {
    EXPECT_EQ(refusal(R"({"a":1,"b":{"a":2},"a":3})"),
              "request body names the key \"a\" twice in one object");
    EXPECT_NO_THROW(parse_json(R"([{"a":1},{"a":{"a":1}}])", "x"));
}

TEST(ParseJson, RefusesNestingBeyondItsLimitAndTakesNestingAtIt) {
    EXPECT_NO_THROW(parse_json("[[[]]]", "x", 3));
    EXPECT_NO_THROW(parse_json(R"({"a":{"b":{}}})", "x", 3));
    EXPECT_EQ(refusal("[[[[]]]]", 3), "request body is nested deeper than 3 levels");
    refusal(R"([[[{"a":1}]]])", 3);
    refusal(std::string(1000000, '['));
}

TEST(ParseJson, RefusesInvalidUtf8AndNulCharacters) {
    refusal("\"\xC3\x28\"");
    refusal("\"\xED\xA0\x80\"");
    refusal(R"(["\u0000"])");
    refusal(R"({"\u0000":1})");
    refusal(R"("\ud800")");
    refusal(std::string("{}\0{", 4));
}

TEST(ParseJson, RefusesNumbersOutOfRange) {
    EXPECT_EQ(refusal("1e999"), "request body holds a number out of range");
}

TEST(ToText, ReplacesInvalidUtf8) {
    Json value;
    value["text"] = "a\xFFz";
    EXPECT_EQ(to_text(value), "{\"text\":\"a\xEF\xBF\xBDz\"}");
}

class Members : public ::testing::Test {
  protected:
    Json object_ = parse_json(R"({"s":"x","i":7,"neg":-1,"f":1.5,"whole":4096.0,"big":18446744073709551615,
                                  "huge":1e300,"b":true,"n":null})",
                              "x");
};

TEST_F(Members, OfTheRightTypeAreRead) {
    EXPECT_EQ(get_string(object_, "s"), "x");
    EXPECT_EQ(get_integer(object_, "i"), 7);
    EXPECT_EQ(get_integer(object_, "neg"), -1);
    EXPECT_EQ(get_integer(object_, "whole"), 4096);
    EXPECT_EQ(get_number(object_, "f"), 1.5);
    EXPECT_EQ(get_number(object_, "i"), 7.0);
    EXPECT_EQ(get_bool(object_, "b"), true);
}

TEST_F(Members, ThatAreAbsentOrNullAreNothing) {
    for (const char* key : {"absent", "n"}) {
        EXPECT_EQ(get_string(object_, key), std::nullopt);
        EXPECT_EQ(get_integer(object_, key), std::nullopt);
        EXPECT_EQ(get_number(object_, key), std::nullopt);
        EXPECT_EQ(get_bool(object_, key), std::nullopt);
    }
}

TEST_F(Members, OfTheWrongTypeAreNamed) {
    const auto integer = [&](const char* key) {
        return expect_error(ErrorCode::invalid_argument, [&] { get_integer(object_, key); });
    };
    EXPECT_EQ(integer("s"), "option \"s\" must be of type integer");
    integer("f");
    integer("big");
    integer("huge");
    integer("b");
    expect_error(ErrorCode::invalid_argument, [&] { get_string(object_, "i"); });
    expect_error(ErrorCode::invalid_argument, [&] { get_bool(object_, "i"); });
    expect_error(ErrorCode::invalid_argument, [&] { get_number(object_, "s"); });
    expect_error(ErrorCode::invalid_argument, [] { get_number(Json::array(), "s"); });
}

TEST_F(Members, ThatAreRequiredMayNotBeAbsent) {
    EXPECT_EQ(require_string(object_, "s"), "x");
    const auto text = expect_error(ErrorCode::invalid_argument, [&] { require_string(object_, "model"); });
    EXPECT_EQ(text, "\"model\" is required");
}

} // namespace
} // namespace hearth
