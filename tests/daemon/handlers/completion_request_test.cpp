#include "daemon/handlers/completion_request.hpp"

#include "base/error.hpp"
#include "daemon/handlers/openai_request.hpp"

#include <gtest/gtest.h>

namespace hearth::daemon {
namespace {

using Parse = void (*)(Json);
const Parse completion = [](Json body) { parse_completion(body); };
const Parse chat = [](Json body) { parse_openai_chat(std::move(body)); };

ErrorCode refusal(Parse parse, Json base, const Json& more) {
    base.update(more);
    try {
        parse(base);
    } catch (const Error& error) {
        return error.code();
    }
    ADD_FAILURE() << "accepted: " << more;
    return ErrorCode::internal;
}

const Json asked = {{"model", "m"}, {"prompt", "p"}};
const Json talk = {{"model", "m"}, {"messages", {{{"role", "user"}, {"content", "hi"}}}}};

TEST(Completion, TakesOneTextAListOfOneAndTokens) {
    EXPECT_EQ(parse_completion({{"model", "m"}, {"prompt", "p"}}).prompt, "p");
    EXPECT_EQ(parse_completion({{"model", "m"}, {"prompt", {"p"}}}).prompt, "p");
    EXPECT_EQ(parse_completion({{"model", "m"}, {"prompt", {1, 2}}}).prompt, Json::array({1, 2}));
    for (const Json& wrong : {Json(3), Json::array(), Json::array({"a", "b"}), Json::array({"a", 1}), Json()})
        EXPECT_EQ(refusal(completion, asked, {{"prompt", wrong}}), ErrorCode::invalid_argument);
}

TEST(Completion, HandsOnSamplingAndNothingThatItDoesNotKnow) {
    Json body = asked;
    body.update({{"max_tokens", 5},
                 {"stop", "x"},
                 {"seed", 7},
                 {"top_p", 0.5},
                 {"grammar", "root ::="},
                 {"logprobs", 0}});
    const Json made = completion_body(parse_completion(body), Target{});
    EXPECT_EQ(made["n_predict"], 5);
    EXPECT_EQ(made["stop"], Json::array({"x"}));
    EXPECT_EQ(made["n_probs"], 1); // the token's own, without others
    EXPECT_FALSE(made.contains("grammar"));
    EXPECT_FALSE(made.contains("logprobs"));
}

TEST(Completion, SaysWhatItDoesNotServe) {
    for (const Json& more :
         {Json{{"n", 2}}, Json{{"best_of", 2}}, Json{{"suffix", "s"}}, Json{{"echo", true}, {"logprobs", 1}}})
        EXPECT_EQ(refusal(completion, asked, more), ErrorCode::unsupported);
    EXPECT_EQ(refusal(completion, asked, {{"temperature", "hot"}}), ErrorCode::invalid_argument);
}

TEST(Completion, ShowsProbabilitiesInFourLists) {
    Json body = asked;
    body["logprobs"] = 2;
    CompletionShape shape(parse_completion(body));
    Piece piece;
    piece.text = "ab";
    piece.logprobs = Json::parse(R"([{"token": "ab", "logprob": -0.5, "top_logprobs":
        [{"token": "ab", "logprob": -0.5}, {"token": "c", "logprob": -1.5}]}])");
    shape.object(piece, nullptr);
    const Json second = shape.object(piece, "stop")["choices"][0];
    EXPECT_EQ(second["logprobs"]["tokens"], Json::array({"ab"}));
    EXPECT_EQ(second["logprobs"]["text_offset"], Json::array({2}));
    EXPECT_EQ(second["logprobs"]["top_logprobs"][0]["c"], -1.5);
    EXPECT_EQ(second["finish_reason"], "stop");
}

TEST(OpenAiTools, ANamedChoiceLeavesThatToolAlone) {
    const auto tool = [](const char* name) {
        return Json{{"type", "function"}, {"function", {{"name", name}}}};
    };
    Json body = talk;
    body["tools"] = Json::array({tool("a"), tool("b")});
    body["tool_choice"] = {{"type", "function"}, {"function", {{"name", "b"}}}};
    const OpenAiChat request = parse_openai_chat(body);
    EXPECT_EQ(request.body["tools"], Json::array({tool("b")}));
    EXPECT_EQ(request.body["tool_choice"], "required");
    body.erase("tool_choice");
    for (const Json& wrong :
         {Json("always"), Json(3), Json{{"function", {{"name", "c"}}}}, Json{{"function", 3}}})
        EXPECT_EQ(refusal(chat, body, {{"tool_choice", wrong}}), ErrorCode::invalid_argument);
}

TEST(OpenAiReasoning, EffortSteersTheTemplate) {
    Json body = talk;
    body["reasoning_effort"] = "none";
    EXPECT_EQ(parse_openai_chat(body).body["chat_template_kwargs"],
              Json::parse(R"({"enable_thinking": false})"));
    body["reasoning"] = {{"effort", "low"}};
    const Json low = parse_openai_chat(body).body;
    EXPECT_EQ(low["chat_template_kwargs"],
              Json::parse(R"({"enable_thinking": true, "reasoning_effort": "low"})"));
    EXPECT_FALSE(low.contains("reasoning"));
    const Json event = Json::parse(R"({"choices": [{"delta": {"reasoning_content": "hm"}}]})");
    EXPECT_EQ(openai_events(event, parse_openai_chat(body))[0]["choices"][0]["delta"]["reasoning"], "hm");
}

TEST(OpenAiFormat, IsOneOfThreeAndNoWayAroundThem) {
    for (const Json& right : {Json{{"type", "text"}}, Json{{"type", "json_object"}},
                              Json{{"type", "json_schema"},
                                   {"json_schema", {{"schema", {{"type", "null"}}}, {"strict", false}}}}}) {
        Json body = talk;
        body["response_format"] = right;
        EXPECT_NO_THROW(parse_openai_chat(body)) << right;
    }
    for (const Json& wrong : {Json{{"type", "xml"}}, Json::object(), Json{{"type", "json_schema"}},
                              Json{{"type", "json_schema"}, {"json_schema", {{"schema", "x"}}}}})
        EXPECT_EQ(refusal(chat, talk, {{"response_format", wrong}}), ErrorCode::invalid_argument) << wrong;
    for (const char* field : {"grammar", "json_schema", "grammar_lazy", "id_slot"})
        EXPECT_EQ(refusal(chat, talk, {{field, 1}}), ErrorCode::unsupported);
}

} // namespace
} // namespace hearth::daemon
