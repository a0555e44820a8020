#include "plugins/llama/pattern.hpp"
#include "plugins/llama/schema_guard.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace hearth::llama {
namespace {

std::string refusal(const char* text) {
    Json schema = Json::parse(text);
    try {
        check_schema(schema);
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.status(), HEARTH_E_INVALID);
        return failure.what();
    }
    ADD_FAILURE() << "accepted: " << text;
    return {};
}

void accept(const char* text) {
    Json schema = Json::parse(text);
    EXPECT_NO_THROW(check_schema(schema)) << text;
}

TEST(SchemaGuard, TakesWhatTheGrammarsKeepTo) {
    accept(
        R"({"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]})");
    accept(R"({"type": ["string", "null"], "maxLength": 5})");
    accept(R"({"anyOf": [{"type": "string"}, {"type": "null"}], "title": "T", "default": null})");
    accept(R"({"enum": ["a", 1, null]})");
    accept(
        R"({"type": "array", "prefixItems": [{"type": "string"}], "items": false, "minItems": 1, "maxItems": 1})");
    accept(R"({"type": "string", "minimum": 3})"); // says nothing about texts
    accept(R"({"type": "object", "properties": {"a": true}, "additionalProperties": false})");
}

TEST(SchemaGuard, NamesTheKeywordAndThePlaceThatItRefuses) {
    const std::string why =
        refusal(R"({"type": "object", "properties": {"n": {"type": "number", "multipleOf": 2}}})");
    EXPECT_NE(why.find("#/properties/n"), std::string::npos) << why;
    EXPECT_NE(why.find("multipleOf"), std::string::npos) << why;
}

TEST(SchemaGuard, RefusesWhatTheEngineWouldLeaveOut) {
    for (const char* text : {R"({"not": {"type": "string"}})",
                             R"({"type": "array", "uniqueItems": true})",
                             R"({"type": "number", "minimum": 0})",
                             R"({"type": "object", "required": ["absent"]})",
                             R"({"type": "object", "patternProperties": {"a": {}}})",
                             R"({"type": "string", "maxLength": 100000})",
                             R"({"type": "integer", "enum": ["a"]})",
                             R"({"type": "string", "enum": ["a"], "minLength": 9})",
                             R"({"anyOf": [{"type": "string"}], "maxLength": 3})",
                             R"({"type": "integer", "minimum": 5, "maximum": 4})",
                             R"({"type": "string", "minLength": 5, "maxLength": 4})",
                             R"({"if": {}, "then": {}})",
                             R"({"type": "strange"})",
                             R"({"type": []})",
                             R"({"type": 3})",
                             R"({"enum": []})",
                             R"({"anyOf": []})",
                             R"({"type": "object", "properties": []})",
                             R"({"type": "object", "required": "a"})",
                             R"({"type": "object", "properties": {"a-b": {}}, "additionalProperties": true})",
                             R"({"type": "string", "pattern": "^a$", "maxLength": 3})",
                             R"({"type": "string", "pattern": 3})"}) {
        refusal(text);
    }
}

TEST(SchemaGuard, TakesOneOfOnlyWhereAlternativesExcludeEachOther) {
    accept(R"({"oneOf": [{"type": "string"}, {"type": "integer"}]})");
    accept(R"({"oneOf": [{"const": 1}, {"const": 2}]})");
    accept(R"({"oneOf": [
        {"type": "object", "properties": {"kind": {"const": "a"}}, "required": ["kind"]},
        {"type": "object", "properties": {"kind": {"const": "b"}}, "required": ["kind"]}]})");
    refusal(R"({"oneOf": [{"type": "number"}, {"type": "integer"}]})");
    refusal(
        R"({"oneOf": [{"type": "object", "properties": {"a": {}}}, {"type": "object", "properties": {"b": {}}}]})");
}

TEST(SchemaGuard, FollowsReferencesAndRefusesThoseThatLeadNowhere) {
    accept(
        R"({"$defs": {"node": {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"},
        {"type": "null"}]}}}}, "$ref": "#/$defs/node"})");
    accept(R"({"$defs": {"a": {"type": "string", "maxLength": 3}}, "type": "object",
        "properties": {"x": {"$ref": "#/$defs/a"}, "y": {"$ref": "#/$defs/a", "description": "again"}}})");
    refusal(R"({"$ref": "#/$defs/absent"})");
    refusal(R"({"$ref": "https://example.org/schema"})");
    refusal(R"({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"})");
    refusal(R"({"$defs": {"a": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"})");
    refusal(R"({"$defs": {"a": {"not": {}}}, "type": "array", "items": {"$ref": "#/$defs/a"}})");
    refusal(
        R"({"$defs": {"a_b": {"type": "null"}, "a-b": {"type": "string"}}, "anyOf": [{"$ref": "#/$defs/a_b"},
        {"$ref": "#/$defs/a-b"}]})");
}

TEST(SchemaGuard, BoundsAnIntegerBelowZeroOnBothSides) {
    Json schema = Json::parse(R"({"type": "integer", "maximum": -7})");
    check_schema(schema);
    EXPECT_EQ(schema["minimum"], -1'000'000'000'000'000);
}

TEST(SchemaGuard, UnwrapsAListOfOne) {
    Json schema = Json::parse(R"({"allOf": [{"type": "string", "maxLength": 2}], "title": "T"})");
    check_schema(schema);
    EXPECT_FALSE(schema.contains("allOf"));
    EXPECT_EQ(schema["maxLength"], 2);
}

TEST(SchemaGuard, RewritesAPatternOnceHoweverOftenItIsReached) {
    Json schema = Json::parse(R"({"$defs": {"a": {"type": "string", "pattern": "^\\d+$"}},
        "anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}, {"type": ["string", "null"], "pattern": "x"}]})");
    check_schema(schema);
    EXPECT_EQ(schema["$defs"]["a"]["pattern"], "^([0-9]+)$");
}

TEST(SchemaGuard, ASchemaOfAToolLosesOnlyWhatIsNotSupported) {
    Json schema =
        Json::parse(R"({"type": "object", "properties": {"maxLength": {"type": "string", "maxLength": 99999},
        "pattern": {"type": "string", "pattern": "(?=a)b"}, "n": {"type": "array", "minItems": 2, "uniqueItems": true}}})");
    loosen_schema(schema);
    EXPECT_EQ(schema["properties"]["maxLength"], Json::parse(R"({"type": "string"})"));
    EXPECT_EQ(schema["properties"]["pattern"], Json::parse(R"({"type": "string"})"));
    EXPECT_EQ(schema["properties"]["n"]["minItems"], 2);
}

TEST(Pattern, IsRewrittenForTextInsideAJsonString) {
    EXPECT_EQ(grammar_pattern("^[a-z]{2,4}$"), "^([a-z]{2,4})$");
    EXPECT_EQ(grammar_pattern(R"(^\d{3}-\w+$)"), "^([0-9]{3}-[A-Za-z0-9_]+)$");
    EXPECT_EQ(grammar_pattern(R"(^a\.b$)"), "^(a[.]b)$");
    EXPECT_EQ(grammar_pattern("^.$"), R"(^([^"\\\x00-\x1F\x7F])$)");
    EXPECT_EQ(grammar_pattern("^[^a]$"), R"(^([^"\\\x00-\x1F\x7Fa])$)");
    EXPECT_EQ(grammar_pattern("^(?:a|b)?$"), "^((a|b)?)$");
    const std::string inside = grammar_pattern("a|b"); // anywhere in the text
    EXPECT_TRUE(inside.starts_with("^[^")) << inside;
    EXPECT_NE(inside.find("(a|b)"), std::string::npos) << inside;
}

TEST(Pattern, IsRefusedWithTheReasonWhenItHasNoSuchForm) {
    for (const char* pattern :
         {"^(?=a)b$", R"(^(a)\1$)",  "^a**$",           "^(a$", "^a)$",       "^[z-a]$",
          "^[ -~]$",  R"(^\n$)",     R"(^\\$)",         "^\"$", "^[\"]$",     "^[]$",
          "^a{3,1}$", "^a{,3}$",     "^(a{100}){100}$", "^*$",  "^a|$",       "^()$",
          "^a^b$",    R"(^[\.-z]$)", "^[[:alpha:]]$",   "^é+$", R"(^\p{L}$)", "^a{99999}$",
          "^$",       "^{$"}) {
        EXPECT_THROW(grammar_pattern(pattern), std::invalid_argument) << pattern;
    }
}

} // namespace
} // namespace hearth::llama
