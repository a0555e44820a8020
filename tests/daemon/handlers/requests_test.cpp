#include "daemon/handlers/requests.hpp"

#include "base/error.hpp"
#include "daemon/handlers/fields.hpp"
#include "daemon/handlers/messages.hpp"
#include "daemon/handlers/openai_request.hpp"
#include "daemon/handlers/prompt.hpp"

#include <gtest/gtest.h>

namespace hearth::daemon {
namespace {

using namespace std::chrono_literals;

Json text(const char* json) {
    return Json::parse(json);
}

std::string refusal(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
        return error.what();
    }
    ADD_FAILURE() << "accepted";
    return {};
}

TEST(KeepAlive, IsSecondsOrAGoDuration) {
    EXPECT_EQ(keep_alive_field(text(R"({})")), std::nullopt);
    EXPECT_EQ(keep_alive_field(text(R"({"keep_alive": null})")), std::nullopt);
    EXPECT_EQ(keep_alive_field(text(R"({"keep_alive": 30})")), 30s);
    EXPECT_EQ(keep_alive_field(text(R"({"keep_alive": 1.5})")), 1500ms);
    EXPECT_EQ(keep_alive_field(text(R"({"keep_alive": 0})")), 0s);
    EXPECT_EQ(keep_alive_field(text(R"({"keep_alive": "1h30m"})")), 90min);
    EXPECT_LT(keep_alive_field(text(R"({"keep_alive": -1})")), 0s);
    EXPECT_LT(keep_alive_field(text(R"({"keep_alive": "-1m"})")), 0s);
    EXPECT_GT(keep_alive_field(text(R"({"keep_alive": 1e300})")), std::chrono::hours(24 * 365 * 200));
}

TEST(KeepAlive, OfAnotherTypeOrWithoutUnitIsRefused) {
    refusal([] { keep_alive_field(text(R"({"keep_alive": "300"})")); });
    refusal([] { keep_alive_field(text(R"({"keep_alive": []})")); });
    refusal([] { keep_alive_field(text(R"({"keep_alive": true})")); });
}

TEST(GenerateRequest, StreamsByDefaultAndKnowsTheOldAlias) {
    const GenerateRequest request =
        parse_generate(text(R"({"name": "m", "prompt": "hello", "nonsense": 1})"));
    EXPECT_EQ(request.common.model, "m");
    EXPECT_TRUE(request.common.stream);
    EXPECT_FALSE(request.is_load());
}

TEST(GenerateRequest, WithoutPromptOnlyLoads) {
    EXPECT_TRUE(parse_generate(text(R"({"model": "m", "system": "s"})")).is_load());
}

TEST(GenerateRequest, NamesTheFieldThatIsWrong) {
    for (const auto& [field, value] :
         std::initializer_list<std::pair<const char*, const char*>>{{"model", "5"},
                                                                    {"prompt", "[]"},
                                                                    {"stream", "\"yes\""},
                                                                    {"options", "[]"},
                                                                    {"system", "1"},
                                                                    {"images", "\"x\""},
                                                                    {"raw", "1"},
                                                                    {"format", "7"},
                                                                    {"think", "5"},
                                                                    {"context", "[\"a\"]"},
                                                                    {"suffix", "{}"},
                                                                    {"backend", "1"},
                                                                    {"template", "2"}}) {
        Json body = {{"model", "m"}, {"prompt", "x"}};
        body[field] = Json::parse(value);
        const std::string why = refusal([&body] { parse_generate(body); });
        EXPECT_NE(why.find(field), std::string::npos) << field << ": " << why;
    }
    EXPECT_EQ(refusal([] { parse_generate(text(R"({"prompt": "x"})")); }), "model is required");
}

TEST(ChatRequest, TurnsMessagesIntoOpenAiShape) {
    const ChatRequest request = parse_chat(text(R"({"model": "m", "messages": [
        {"role": "user", "content": "look", "images": ["iVBORw0KGgo="]},
        {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]},
        {"role": "tool", "content": "42", "tool_name": "f", "tool_call_id": "call_0"}]})"));
    EXPECT_EQ(request.messages[0]["content"][0]["image_url"]["url"], "data:image/png;base64,iVBORw0KGgo=");
    EXPECT_EQ(request.messages[0]["content"][1]["text"], "look");
    EXPECT_EQ(request.messages[1]["reasoning_content"], "hm");
    EXPECT_EQ(request.messages[1]["tool_calls"][0]["function"]["arguments"], R"({"a":1})");
    EXPECT_EQ(request.messages[1]["tool_calls"][0]["id"], "call_0");
    EXPECT_EQ(request.messages[2]["tool_call_id"], "call_0");
}

TEST(ChatRequest, RefusesImagesThatAreLinksOrNoBase64) {
    for (const char* image : {"http://x/y.png", "https://x/y.png", "file:///etc/passwd", "not base64!", ""}) {
        const Json body = {{"model", "m"},
                           {"messages", {{{"role", "user"}, {"content", "x"}, {"images", {image}}}}}};
        refusal([&body] { parse_chat(body); });
    }
}

TEST(ChatRequest, RefusesMessagesOfAWrongShape) {
    for (const char* messages :
         {"[5]", "[\"x\"]", "[{}]", R"([{"role":"user","content":5}])", R"([{"role":5,"content":"x"}])",
          R"([{"content":"x"}])", R"([{"role":"emperor","content":"x"}])", "{}", "\"x\""}) {
        const Json body = {{"model", "m"}, {"messages", text(messages)}};
        refusal([&body] { parse_chat(body); });
        refusal([&body] { parse_openai_chat(body); });
    }
}

TEST(Format, BecomesAResponseFormat) {
    EXPECT_TRUE(to_response_format(Json()).is_null());
    EXPECT_TRUE(to_response_format("").is_null());
    EXPECT_EQ(to_response_format("json"), text(R"({"type": "json_object"})"));
    EXPECT_EQ(to_response_format(text(R"({"type": "object"})"))["json_schema"]["schema"],
              text(R"({"type": "object"})"));
    refusal([] { to_response_format("xml"); });
}

TEST(Think, FalseSwitchesTheTemplateAndALevelIsPassedOn) {
    const Think off = parse_generate(text(R"({"model": "m", "think": false})")).think;
    const Think high = parse_generate(text(R"({"model": "m", "think": "high"})")).think;
    const Options options;
    EXPECT_EQ(chat_body(Json::array(), Json::array(), Json(), off, options)["chat_template_kwargs"],
              text(R"({"enable_thinking": false})"));
    EXPECT_EQ(chat_body(Json::array(), Json::array(), Json(), high, options)["chat_template_kwargs"],
              text(R"({"enable_thinking": true, "reasoning_effort": "high"})"));
    refusal([] { parse_generate(text(R"({"model": "m", "think": "enormous"})")); });
}

registry::Model some_model() {
    return registry::Model{.ref = {},
                           .digest = Digest::parse("sha256:" + std::string(64, 'a')),
                           .system = "model's",
                           .messages_json = R"([{"role": "user", "content": "first"}])"};
}

TEST(Prompt, PutsTheModelsMessagesFirstAndTheRequestsSystemAboveTheModels) {
    Target target;
    target.model = some_model();
    const Json question = Json::array({openai_user_message("now", {})});
    Json messages = with_model_messages(target, question, std::nullopt);
    EXPECT_EQ(messages[0], text(R"({"role": "system", "content": "model's"})"));
    EXPECT_EQ(messages[1]["content"], "first");
    EXPECT_EQ(messages[2]["content"], "now");
    messages = with_model_messages(target, question, "request's");
    EXPECT_EQ(messages[0]["content"], "request's");
    const Json own = text(R"([{"role": "system", "content": "mine"}, {"role": "user", "content": "x"}])");
    EXPECT_EQ(with_model_messages(target, own, std::nullopt)[0]["content"],
              "first"); // a system message of the request is enough
}

TEST(EmbedRequest, TakesOneTextOrMany) {
    EXPECT_EQ(parse_embed(text(R"({"model": "m", "input": "x"})")).input.size(), 1u);
    EXPECT_EQ(parse_embed(text(R"({"model": "m", "input": ["x", "y"]})")).input.size(), 2u);
    EXPECT_TRUE(parse_embed(text(R"({"model": "m", "input": ""})")).input.empty());
    EXPECT_TRUE(parse_embed(text(R"({"model": "m"})")).input.empty());
    refusal([] { parse_embed(text(R"({"model": "m", "input": 5})")); });
    refusal([] { parse_embed(text(R"({"model": "m", "input": ["x", 5]})")); });
}

TEST(OpenAiChat, LeavesOutWhatIsOurs) {
    const OpenAiChat request = parse_openai_chat(
        text(R"({"model": "m", "backend": "echo", "keep_alive": 5, "stream": true, "top_k": 3,
        "messages": [{"role": "user", "content": "x"}], "stream_options": {"include_usage": true}})"));
    EXPECT_EQ(request.backend, "echo");
    EXPECT_TRUE(request.include_usage);
    EXPECT_EQ(request.body["top_k"], 3);
    EXPECT_FALSE(request.body.contains("backend"));
    EXPECT_FALSE(request.body.contains("keep_alive"));
}

TEST(OpenAiChat, RefusesAnImageThatWouldOpenAConnection) {
    refusal([] {
        parse_openai_chat(text(R"({"model": "m", "messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "https://example.org/x.png"}}]}]})"));
    });
}

TEST(OpenAiChat, TheModelsOwnEndsStayWhereTheRequestHasMore) {
    Target target;
    target.model = some_model();
    target.model->parameters_json = R"({"stop": ["<end>"]})";
    for (const Json& stops : {Json("X"), Json::array({"X"})}) {
        Json asked = text(R"({"model": "m", "messages": [{"role": "user", "content": "x"}]})");
        asked["stop"] = stops;
        const Json body = Json::parse(openai_chat_body(parse_openai_chat(asked), target));
        EXPECT_EQ(body["stop"], Json::array({"X", "<end>"}));
    }
}

TEST(OpenAiChat, TakesTheModelsParametersWhereTheRequestSaysNothing) {
    Target target;
    target.model = some_model();
    target.model->parameters_json = R"({"temperature": 0.1, "top_k": 5, "num_predict": 9})";
    OpenAiChat request = parse_openai_chat(
        text(R"({"model": "m", "temperature": 1, "messages": [{"role": "user", "content": "x"}]})"));
    const Json body = Json::parse(openai_chat_body(std::move(request), target));
    EXPECT_EQ(body["temperature"], 1);
    EXPECT_EQ(body["top_k"], 5);
    EXPECT_EQ(body["max_tokens"], 9);
}

TEST(OpenAiEvents, CarryTheClientsNameAndUsageOnlyWhereAsked) {
    OpenAiChat request;
    request.model = "alias";
    request.stream = true;
    const Json event =
        text(R"({"id": "1", "model": "x", "choices": [{"delta": {}}], "usage": {"prompt_tokens": 1}})");
    std::vector<Json> events = openai_events(event, request);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0]["model"], "alias");
    EXPECT_FALSE(events[0].contains("usage"));
    request.include_usage = true;
    events = openai_events(event, request);
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[1]["choices"], Json::array());
    EXPECT_EQ(events[1]["usage"]["prompt_tokens"], 1);
    EXPECT_FALSE(events[0].contains("usage"));
}

TEST(OpenAiEvents, WithoutChoicesAreUsageAlone) {
    OpenAiChat request;
    request.stream = true;
    EXPECT_TRUE(openai_events(text(R"({"choices": [], "usage": {"prompt_tokens": 1}})"), request).empty());
}

TEST(OpenAiEmbedding, EncodesFloatsAsBase64) {
    EXPECT_EQ(floats_to_base64({1.0f}), "AACAPw==");
    EXPECT_EQ(floats_to_base64({1.0f, -2.0f, 0.5f}), "AACAPwAAAMAAAAA/");
}

} // namespace
} // namespace hearth::daemon
