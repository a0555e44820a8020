#include "base/json_order.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hearth {
namespace {

/// What to_text writes of `text` once the objects at `path` are ordered.
std::string kept(std::string_view text, std::string_view path) {
    Json value = parse_json(text, "x");
    keep_order(value, text, path);
    return to_text(value);
}

TEST(JsonOrder, KeepsTheOrderAtThePathAndSortsTheRest) {
    EXPECT_EQ(kept(R"({"z":{"d":1,"c":2},"f":{"why":{"y":1,"x":2},"answer":3}})", "f"),
              R"({"f":{"why":{"y":1,"x":2},"answer":3},"z":{"c":2,"d":1}})");
    EXPECT_EQ(kept(R"({"b":1,"a":2})", ""), R"({"b":1,"a":2})");
}

TEST(JsonOrder, GoesIntoEveryElementAtAStar) {
    EXPECT_EQ(kept(R"({"t":[{"p":{"b":1,"a":2}},5,[],"x",{"q":0},{"z":0,"p":{"d":[],"c":{}}}]})", "t/*/p"),
              R"({"t":[{"p":{"b":1,"a":2}},5,[],"x",{"q":0},{"p":{"d":[],"c":{}},"z":0}]})");
    EXPECT_EQ(kept(R"([[{"b":1,"a":2}],[]])", "*/*"), R"([[{"b":1,"a":2}],[]])");
}

TEST(JsonOrder, LeavesWhatIsAbsentOrNoObject) {
    for (const char* text :
         {R"({"t":5})", R"({"t":[{"p":"x"}]})", R"({"t":{"p":{"b":1,"a":2}}})", "[]", "5", "{}"}) {
        EXPECT_EQ(kept(text, "t/*/p"), to_text(parse_json(text, "x"))) << text;
    }
    EXPECT_EQ(kept(R"({"f":["b","a"]})", "f"), R"({"f":["b","a"]})");
}

TEST(JsonOrder, IsNotMisledByMarksInStringsSpacesOrEscapes) {
    EXPECT_EQ(kept("\xEF\xBB\xBF {\n\t\"x\" : \"}],{\\\"f\\\\\" , \"f\"\r:\n{ \"b \" : [ 1 , -2.50e1 ] , "
                   "\"a\":\"{ \" } }",
                   "f"),
              R"({"f":{"b ":[1,-2.50e1],"a":"{ "},"x":"}],{\"f\\"})");
    EXPECT_EQ(kept(R"({"g":1,"\u0066":{"\u00e9\"\\":"\ud83d\ude00\n","a\/":0}})", "f"),
              "{\"f\":{\"\xC3\xA9\\\"\\\\\":\"\xF0\x9F\x98\x80\\n\",\"a/\":0},\"g\":1}");
}

TEST(JsonOrder, TakesADeepAndALongObject) {
    std::string deep;
    for (int i = 0; i < 60; ++i) {
        deep += R"({"b":)";
    }
    deep += '1';
    for (int i = 0; i < 60; ++i) {
        deep += R"(,"a":[]})";
    }
    EXPECT_EQ(kept(R"({"f":)" + deep + "}", "f"), R"({"f":)" + deep + "}");
    std::string wide = "{";
    for (int i = 20000; i > 0; --i) {
        wide += "\"k" + std::to_string(i) + "\":0,";
    }
    wide.back() = '}';
    EXPECT_EQ(kept(wide, ""), wide);
}

TEST(OrderedObject, IsTheObjectInATextOfOurOwnToo) {
    const Json value = {{"input", ordered_object("\xEF\xBB\xBF {\"b\": 1, \"a\": {}} ")}};
    EXPECT_EQ(to_text(value), R"({"input":{"b":1,"a":{}}})");
    EXPECT_EQ(to_text(ordered_object(std::string_view("{\"b\":1} \0\"", 10))), R"({"b":1})");
    EXPECT_TRUE(is_any_object(value));
    EXPECT_TRUE(is_any_object(value["input"]));
    EXPECT_FALSE(is_any_object(Json("{}")));
}

} // namespace
} // namespace hearth
