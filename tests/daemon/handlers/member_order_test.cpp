#include "daemon/handlers/anthropic_request.hpp"
#include "daemon/handlers/body.hpp"
#include "daemon/handlers/prompt.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hearth::daemon {
namespace {

/// Objects in a text by the order that it has them in.
using Ordered = nlohmann::ordered_json;

constexpr std::string_view schema = R"({"type":"object","properties":{"why":{},"answer":{}}})";
constexpr std::string_view messages = R"("model": "m", "messages": [{"role": "user", "content": "x"}])";

Json request(const std::string& members) {
    return parse_ordered_object("{" + std::string(messages) + ", " + members + "}");
}

std::string openai(const std::string& members) {
    return openai_chat_body(parse_openai_chat(request(members)), Target());
}

std::string anthropic(const std::string& members) {
    AnthropicRequest parsed =
        parse_anthropic(request(R"("max_tokens": 9, )" + members), AnthropicCall::message);
    return openai_chat_body(std::move(parsed.chat), Target());
}

std::string ollama(const std::string& members) {
    const ChatRequest parsed = parse_chat(request(members));
    return to_text(chat_body(parsed.messages, parsed.tools, parsed.format, parsed.think, Options()));
}

std::string at(const std::string& body, const char* pointer) {
    return Ordered::parse(body).at(Ordered::json_pointer(pointer)).dump();
}

TEST(MemberOrder, IsThatOfTheSchemaOfAnAnswer) {
    const std::string text(schema);
    const char* place = "/response_format/json_schema/schema";
    EXPECT_EQ(at(ollama(R"("format": )" + text), place), schema);
    EXPECT_EQ(
        at(openai(R"("response_format": {"type": "json_schema", "json_schema": {"schema": )" + text + "}}"),
           place),
        schema);
    const std::string format = R"({"type": "json_schema", "schema": )" + text + "}";
    EXPECT_EQ(at(anthropic(R"("output_config": {"format": )" + format + "}"), place), schema);
    EXPECT_EQ(at(anthropic(R"("output_format": )" + format), place), schema);
    const GenerateRequest generate = parse_generate(request(R"("prompt": "x", "format": )" + text));
    EXPECT_EQ(at(to_text(complete_body("x", generate.format, Options())), "/json_schema"), schema);
}

TEST(MemberOrder, IsThatOfTheSchemaOfATool) {
    const std::string text(schema);
    const std::string tools =
        R"("tools": [{"type": "function", "function": {"name": "other"}}, {"type": "function", "function": {"name": "f", "parameters": )" +
        text + "}}]";
    EXPECT_EQ(at(ollama(tools), "/tools/1/function/parameters"), schema);
    EXPECT_EQ(at(openai(tools + R"(, "tool_choice": {"type": "function", "function": {"name": "f"}})"),
                 "/tools/0/function/parameters"),
              schema);
    EXPECT_EQ(at(anthropic(R"("tools": [{"name": "f", "input_schema": )" + text + "}]"),
                 "/tools/0/function/parameters"),
              schema);
}

TEST(MemberOrder, IsThatOfTheArgumentsWhichTheModelWrote) {
    const char* place = "/messages/0/tool_calls/0/function/arguments";
    const Json ollama = parse_ordered_object(
        R"({"model": "m", "messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"why": 1, "answer": "\u00e9"}}}]}]})");
    const Json body = {{"messages", parse_chat(ollama).messages}};
    EXPECT_EQ(body.at(Json::json_pointer(place)), "{\"why\":1,\"answer\":\"\xC3\xA9\"}");
    const Json anthropic = parse_ordered_object(
        R"({"model": "m", "messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "i", "name": "f", "input": {"why": 1, "answer": 2}}]}]})");
    EXPECT_EQ(parse_anthropic(anthropic, AnthropicCall::count_tokens).chat.body.at(Json::json_pointer(place)),
              R"({"why":1,"answer":2})");
}

} // namespace
} // namespace hearth::daemon
