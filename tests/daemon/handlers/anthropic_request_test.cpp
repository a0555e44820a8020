#include "daemon/handlers/anthropic_request.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

namespace hearth::daemon {
namespace {

Json hello() {
    return {{"model", "m"},
            {"max_tokens", 16},
            {"messages", Json::array({{{"role", "user"}, {"content", "hi"}}})}};
}

Json with(const char* key, Json value) {
    Json body = hello();
    body[key] = std::move(value);
    return body;
}

AnthropicRequest parse(const Json& body) {
    return parse_anthropic(body, AnthropicCall::message);
}

/// One message of `role` with these blocks, as it reaches the backend.
Json converted(const char* role, Json blocks) {
    Json body = hello();
    body["messages"] = Json::array({{{"role", role}, {"content", std::move(blocks)}}});
    return parse(body).chat.body["messages"];
}

ErrorCode refusal(const Json& body) {
    try {
        parse(body);
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::internal;
}

TEST(AnthropicRequest, AsksTheBackendForAStreamWithItsCounts) {
    const AnthropicRequest request = parse(hello());
    EXPECT_EQ(request.chat.model, "m");
    EXPECT_FALSE(request.chat.stream);
    EXPECT_EQ(request.max_tokens, 16);
    EXPECT_TRUE(request.ignored.empty());
    const Json expected = {{"messages", Json::array({{{"role", "user"}, {"content", "hi"}}})},
                           {"max_tokens", 16},
                           {"stream", true},
                           {"stream_options", {{"include_usage", true}}},
                           {"return_progress", true}};
    EXPECT_EQ(request.chat.body, expected);
}

TEST(AnthropicRequest, CountingNeedsNoLimitAndStreamsNothing) {
    Json body = hello();
    body.erase("max_tokens");
    EXPECT_EQ(refusal(body), ErrorCode::invalid_argument);
    const AnthropicRequest request = parse_anthropic(body, AnthropicCall::count_tokens);
    EXPECT_FALSE(request.chat.body.contains("stream"));
}

TEST(AnthropicRequest, TakesTheSystemPromptAsTextAndAsBlocks) {
    const Json blocks =
        Json::array({{{"type", "text"}, {"text", "one"}},
                     {{"type", "text"}, {"text", "two"}, {"cache_control", {{"type", "ephemeral"}}}}});
    EXPECT_EQ(parse(with("system", "be brief")).chat.body["messages"][0],
              (Json{{"role", "system"}, {"content", "be brief"}}));
    const AnthropicRequest request = parse(with("system", blocks));
    EXPECT_EQ(request.chat.body["messages"][0], (Json{{"role", "system"}, {"content", "one\ntwo"}}));
    EXPECT_EQ(request.ignored, IgnoredFields{"cache_control"});
}

TEST(AnthropicRequest, ABillingLineIsTheSameAtEveryRequest) {
    const auto system = [](const char* text) {
        return parse(with("system", text)).chat.body["messages"][0]["content"];
    };
    EXPECT_EQ(system("x-anthropic-billing-header: cc_version=2.1; cch=a5145;You are"),
              "x-anthropic-billing-header: cc_version=2.1; cch=00000;You are");
    for (const char* kept :
         {"x-anthropic-billing-header: cch=a51", "x-anthropic-billing-header: none", "say cch=a5145;"}) {
        EXPECT_EQ(system(kept), kept);
    }
}

TEST(AnthropicRequest, JoinsTurnsOfOneRoleAndKeepsTheirOrder) {
    Json body = hello();
    body["messages"] = Json::array({{{"role", "user"}, {"content", "a"}},
                                    {{"role", "user"}, {"content", "b"}},
                                    {{"role", "assistant"}, {"content", "c"}},
                                    {{"role", "user"}, {"content", "d"}}});
    const Json messages = parse(body).chat.body["messages"];
    ASSERT_EQ(messages.size(), 3u);
    EXPECT_EQ(messages[0]["content"][1], (Json{{"type", "text"}, {"text", "b"}}));
    EXPECT_EQ(messages[1], (Json{{"role", "assistant"}, {"content", "c"}}));
    EXPECT_EQ(messages[2], (Json{{"role", "user"}, {"content", "d"}}));
}

TEST(AnthropicRequest, GoesOnWithABegunAnswer) {
    Json body = hello();
    EXPECT_FALSE(parse(body).chat.body.contains("continue_final_message"));
    body["messages"].push_back({{"role", "assistant"}, {"content", "Well,"}});
    EXPECT_EQ(parse(body).chat.body["continue_final_message"], true);
    EXPECT_EQ(parse(body).chat.body["add_generation_prompt"], false);
}

TEST(AnthropicRequest, TurnsImagesIntoDataUris) {
    const Json source = {{"type", "base64"}, {"media_type", "image/png"}, {"data", "iVBORw0KGgo="}};
    const Json messages = converted("user", Json::array({{{"type", "image"}, {"source", source}},
                                                         {{"type", "text"}, {"text", "what?"}}}));
    EXPECT_EQ(messages[0]["content"][0]["image_url"]["url"], "data:image/png;base64,iVBORw0KGgo=");
    EXPECT_EQ(messages[0]["content"][1]["text"], "what?");
}

TEST(AnthropicRequest, RefusesImagesThatAreNoBase64) {
    for (const Json& source : {Json{{"type", "url"}, {"url", "https://x/y.png"}},
                               Json{{"type", "base64"}, {"media_type", "image/png"}, {"data", "http://x"}},
                               Json{{"type", "base64"}, {"media_type", "text/html"}, {"data", "aaaa"}},
                               Json{{"type", "file"}, {"file_id", "f"}}}) {
        const Json block = {{"type", "image"}, {"source", source}};
        Json body = hello();
        body["messages"][0]["content"] = Json::array({block});
        EXPECT_EQ(refusal(body), ErrorCode::invalid_argument) << source;
    }
}

TEST(AnthropicRequest, TurnsToolBlocksIntoCallsAndToolMessages) {
    const Json call = {{"type", "tool_use"}, {"id", "t1"}, {"name", "look"}, {"input", {{"at", "sky"}}}};
    const Json assistant =
        converted("assistant", Json::array({{{"type", "thinking"}, {"thinking", "hm"}, {"signature", "s"}},
                                            {{"type", "text"}, {"text", "let me"}},
                                            call}));
    ASSERT_EQ(assistant.size(), 1u);
    EXPECT_EQ(assistant[0]["content"], "let me");
    EXPECT_EQ(assistant[0]["reasoning_content"], "hm");
    EXPECT_EQ(assistant[0]["tool_calls"][0]["id"], "t1");
    EXPECT_EQ(assistant[0]["tool_calls"][0]["function"],
              (Json{{"name", "look"}, {"arguments", R"({"at":"sky"})"}}));

    const Json results = converted(
        "user",
        Json::array(
            {{{"type", "tool_result"}, {"tool_use_id", "t1"}, {"content", "blue"}},
             {{"type", "tool_result"}, {"tool_use_id", "t2"}, {"content", "lost"}, {"is_error", true}},
             {{"type", "tool_result"}, {"tool_use_id", "t3"}},
             {{"type", "text"}, {"text", "go on"}}}));
    ASSERT_EQ(results.size(), 4u);
    EXPECT_EQ(results[0], (Json{{"role", "tool"}, {"tool_call_id", "t1"}, {"content", "blue"}}));
    EXPECT_EQ(results[1], (Json{{"role", "tool"}, {"tool_call_id", "t2"}, {"content", "Error: lost"}}));
    EXPECT_EQ(results[2], (Json{{"role", "tool"}, {"tool_call_id", "t3"}, {"content", ""}}));
    EXPECT_EQ(results[3], (Json{{"role", "user"}, {"content", "go on"}}));
}

Json two_tools() {
    Json body = hello();
    const Json schema = {{"type", "object"}};
    body["tools"] = Json::array({{{"name", "a"}, {"description", "first"}, {"input_schema", schema}},
                                 {{"name", "b"}, {"input_schema", schema}, {"strict", true}}});
    return body;
}

TEST(AnthropicRequest, OffersToolsAsFunctions) {
    const AnthropicRequest request = parse(two_tools());
    EXPECT_TRUE(request.chat.has_tools);
    const Json function = {{"name", "a"}, {"description", "first"}, {"parameters", {{"type", "object"}}}};
    EXPECT_EQ(request.chat.body["tools"][0], (Json{{"type", "function"}, {"function", function}}));
    EXPECT_EQ(request.chat.body["tool_choice"], "auto");
    EXPECT_EQ(request.ignored, IgnoredFields{"tools.strict"});
}

TEST(AnthropicRequest, KeepsToTheToolChoice) {
    for (const auto& [type, ours] : std::initializer_list<std::pair<const char*, const char*>>{
             {"auto", "auto"}, {"any", "required"}, {"none", "none"}}) {
        Json body = two_tools();
        body["tool_choice"]["type"] = type;
        EXPECT_EQ(parse(body).chat.body["tool_choice"], ours);
        EXPECT_EQ(parse(body).chat.body["tools"].size(), 2u);
    }
    Json body = two_tools();
    body["tool_choice"] = {{"type", "tool"}, {"name", "b"}, {"disable_parallel_tool_use", true}};
    const Json chat = parse(body).chat.body;
    EXPECT_EQ(chat["tool_choice"], "required");
    ASSERT_EQ(chat["tools"].size(), 1u);
    EXPECT_EQ(chat["tools"][0]["function"]["name"], "b");
    EXPECT_EQ(chat["parallel_tool_calls"], false);
    body["tool_choice"]["name"] = "c";
    EXPECT_EQ(refusal(body), ErrorCode::invalid_argument);
}

TEST(AnthropicRequest, PassesSamplingAndStops) {
    Json body = hello();
    body.update(
        {{"temperature", 0.5}, {"top_p", 0.9}, {"top_k", 40}, {"stop_sequences", {"END"}}, {"stream", true}});
    const AnthropicRequest request = parse(body);
    EXPECT_EQ(request.chat.body["temperature"], 0.5);
    EXPECT_EQ(request.chat.body["top_p"], 0.9);
    EXPECT_EQ(request.chat.body["top_k"], 40);
    EXPECT_EQ(request.chat.body["stop"], Json::array({"END"}));
    EXPECT_EQ(request.stops, std::vector<std::string>{"END"});
    EXPECT_TRUE(request.chat.stream);
}

TEST(AnthropicRequest, TakesASchemaForTheAnswer) {
    const Json schema = {{"type", "object"}, {"properties", {{"n", {{"type", "integer"}}}}}};
    const Json format = {{"type", "json_schema"}, {"schema", schema}};
    for (const Json& body :
         {with("output_config", Json{{"format", format}}), with("output_format", format)}) {
        EXPECT_EQ(parse(body).chat.body["response_format"]["json_schema"]["schema"], schema);
    }
    EXPECT_EQ(refusal(with("output_format", Json{{"type", "grammar"}})), ErrorCode::invalid_argument);
}

TEST(AnthropicRequest, ThinksOnlyWhenAskedTo) {
    AnthropicRequest quiet = parse(hello());
    apply_thinking(quiet, true);
    EXPECT_EQ(quiet.chat.body["chat_template_kwargs"], (Json{{"enable_thinking", false}}));
    AnthropicRequest loud = parse(with("thinking", Json{{"type", "enabled"}, {"budget_tokens", 2048}}));
    apply_thinking(loud, true);
    EXPECT_EQ(loud.chat.body["chat_template_kwargs"], (Json{{"enable_thinking", true}}));
    EXPECT_EQ(loud.chat.body["thinking_budget_tokens"], 2048);
    EXPECT_TRUE(loud.ignored.empty());
}

TEST(AnthropicRequest, ThinkingBetweenToolsIsOff) {
    AnthropicRequest request = parse(with("thinking", Json{{"type", "between_tools"}}));
    apply_thinking(request, true);
    EXPECT_FALSE(request.think);
    EXPECT_EQ(request.chat.body["chat_template_kwargs"], (Json{{"enable_thinking", false}}));
}

TEST(AnthropicRequest, SaysThatAModelHasNoThoughts) {
    Json body = with("thinking", Json{{"type", "adaptive"}});
    body["output_config"]["effort"] = "high";
    AnthropicRequest request = parse(body);
    apply_thinking(request, false);
    EXPECT_FALSE(request.chat.body.contains("chat_template_kwargs"));
    EXPECT_FALSE(request.chat.body.contains("thinking_budget_tokens"));
    EXPECT_EQ(request.ignored, (IgnoredFields{"thinking", "output_config.effort"}));
}

TEST(AnthropicRequest, NotesWhatItLeavesOut) {
    Json body = hello();
    body.update(
        {{"metadata", {{"user_id", "u"}}}, {"service_tier", "auto"}, {"speed", nullptr}, {"echo_repeat", 3}});
    EXPECT_EQ(parse(body).ignored, (IgnoredFields{"metadata", "service_tier", "echo_repeat"}));
    body["backend"] = "echo";
    EXPECT_EQ(parse(body).ignored, (IgnoredFields{"metadata", "service_tier"}));
    EXPECT_EQ(parse(body).chat.body["echo_repeat"], 3);
}

TEST(AnthropicRequest, NotesWhatItLeavesOutInsideOfFields) {
    Json body = two_tools();
    body["messages"][0]["name"] = "ann";
    body["tool_choice"] = {{"type", "auto"}, {"mode", "x"}};
    body["thinking"] = {{"type", "enabled"}, {"depth", 3}};
    EXPECT_EQ(parse(body).ignored,
              (IgnoredFields{"messages.name", "thinking.depth", "tool_choice.mode", "tools.strict"}));
}

TEST(AnthropicRequest, RefusesWhatWouldBeALieToLeaveOut) {
    const Json document = {
        {"type", "document"},
        {"source", {{"type", "base64"}, {"media_type", "application/pdf"}, {"data", "JVBERi0="}}}};
    Json with_document = hello();
    with_document["messages"][0]["content"] = Json::array({document});
    EXPECT_EQ(refusal(with_document), ErrorCode::unsupported);
    const Json search = {{"type", "web_search_20250305"}, {"name", "web_search"}};
    EXPECT_EQ(refusal(with("tools", Json::array({search}))), ErrorCode::unsupported);
    EXPECT_EQ(refusal(with("mcp_servers", Json::array({{{"type", "url"}}}))), ErrorCode::unsupported);
    EXPECT_EQ(parse(with("mcp_servers", Json::array())).ignored, IgnoredFields{});
}

TEST(AnthropicRequest, RefusesWrongShapes) {
    for (const auto& [key, value] : std::initializer_list<std::pair<const char*, Json>>{
             {"messages", Json::array()},
             {"messages", "hi"},
             {"messages", Json::array({5})},
             {"messages", Json::array({{{"role", "tool"}, {"content", "x"}}})},
             {"messages", Json::array({{{"role", "user"}, {"content", 5}}})},
             {"messages", Json::array({{{"role", "user"}, {"content", Json::array({"x"})}}})},
             {"messages", Json::array({{{"role", "user"}, {"content", Json::array({{{"type", "text"}}})}}})},
             {"max_tokens", 0},
             {"max_tokens", "many"},
             {"system", 5},
             {"stop_sequences", Json::array({""})},
             {"temperature", "hot"},
             {"tools", Json::array({{{"name", "x"}}})},
             {"tool_choice", Json{{"type", "any"}}},
             {"tool_choice", Json{{"type", "some"}}},
             {"thinking", Json{{"type", "deep"}}},
             {"stream", "yes"},
             {"model", nullptr}}) {
        EXPECT_EQ(refusal(with(key, value)), ErrorCode::invalid_argument) << key << " " << value;
    }
}

TEST(AnthropicRequest, ListsIgnoredFieldsForAHeader) {
    EXPECT_EQ(ignored_line({}), "");
    EXPECT_EQ(ignored_line({"metadata", "a\r\nSet-Cookie: x", "tools.strict"}),
              "(another field), metadata, tools.strict");
    IgnoredFields many;
    for (int i = 0; i < 1000; ++i) {
        many.insert("field_" + std::to_string(i));
    }
    EXPECT_LT(ignored_line(many).size(), 600u);
}

} // namespace
} // namespace hearth::daemon
