#include "daemon/handlers/translate.hpp"

#include "base/error.hpp"
#include "daemon/handlers/answer.hpp"
#include "daemon/handlers/embedding.hpp"

#include <gtest/gtest.h>

namespace hearth::daemon {
namespace {

Json text(const char* json) {
    return Json::parse(json);
}

TEST(AnswerTranslator, GivesTextAndThinkingApart) {
    AnswerTranslator translator;
    EXPECT_TRUE(
        translator.feed(text(R"({"choices": [{"delta": {"role": "assistant", "content": null}}]})")).empty());
    EXPECT_EQ(translator.feed(text(R"({"choices": [{"delta": {"reasoning_content": "hm"}}]})")).thinking,
              "hm");
    const Piece piece = translator.feed(text(R"({"choices": [{"delta": {"content": "He"}}]})"));
    EXPECT_EQ(piece.text, "He");
    EXPECT_EQ(piece.thinking, "");
}

TEST(AnswerTranslator, GivesProbabilitiesOfBothOperationsInOneShape) {
    AnswerTranslator translator;
    const Json token = text(R"([{"token": "a", "logprob": -1.0}])");
    EXPECT_EQ(
        translator.feed({{"choices", {{{"delta", {{"content", "a"}}}, {"logprobs", {{"content", token}}}}}}})
            .logprobs,
        token);
    EXPECT_EQ(
        translator.feed({{"content", "a"}, {"stop", false}, {"completion_probabilities", token}}).logprobs,
        token);
    Piece whole;
    for (int i = 0; i < 2; ++i) {
        whole.add(translator.feed({{"content", "a"}, {"stop", false}, {"completion_probabilities", token}}));
    }
    EXPECT_EQ(whole.text, "aa");
    EXPECT_EQ(whole.logprobs.size(), 2U);
}

TEST(AnswerTranslator, SumsUpTheLastEvent) {
    AnswerTranslator translator;
    translator.feed(text(R"({"choices": [{"delta": {}, "finish_reason": "length"}]})"));
    translator.feed(text(R"({"choices": [], "usage": {"prompt_tokens": 26, "completion_tokens": 298},
                            "timings": {"prompt_ms": 130.5, "predicted_ms": 4700.25}})"));
    const AnswerMetrics metrics = translator.metrics();
    EXPECT_EQ(metrics.done_reason, "length");
    EXPECT_EQ(metrics.prompt_tokens, 26);
    EXPECT_EQ(metrics.answer_tokens, 298);
    EXPECT_EQ(metrics.prompt_nanoseconds, 130500000);
    EXPECT_EQ(metrics.answer_nanoseconds, 4700250000);
}

TEST(AnswerTranslator, GivesToolCallsWholeWithArgumentsAsAnObject) {
    AnswerTranslator translator;
    translator.feed(text(
        R"({"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "call_a", "function": {"name": "get", "arguments": "{\"ci"}}]}}]})"));
    translator.feed(text(
        R"({"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "ty\": \"Rome\", \"at\": 1}"}}]}}]})"));
    translator.feed(text(
        R"({"choices": [{"delta": {"tool_calls": [{"index": 1, "id": "call_b", "function": {"name": "now", "arguments": ""}}]}}]})"));
    const Piece piece = translator.finish();
    EXPECT_EQ(to_text(piece.tool_calls), // as the model wrote them: not sorted
              R"([{"function":{"arguments":{"city":"Rome","at":1},"index":0,"name":"get"},"id":"call_a"},)"
              R"({"function":{"arguments":{},"index":1,"name":"now"},"id":"call_b"}])");
    EXPECT_TRUE(translator.finish().empty());
}

TEST(AnswerTranslator, DoesNotTrustTheBackendsNumbers) {
    AnswerTranslator translator;
    EXPECT_THROW(
        translator.feed(text(R"({"choices": [{"delta": {"tool_calls": [{"index": 4000000000}]}}]})")), Error);
    EXPECT_THROW(translator.feed(Json()), Error);
    EXPECT_THROW(translator.feed(text(R"({"error": {"message": "broken"}})")), Error);
    EXPECT_TRUE(translator.feed(text(R"({"choices": 5, "usage": [], "timings": "x"})")).empty());
}

TEST(AnswerTranslator, UnderstandsCompletions) {
    AnswerTranslator translator;
    EXPECT_EQ(translator.feed(text(R"({"content": "a", "tokens": [1, 2], "stop": false})")).text, "a");
    translator.feed(text(
        R"({"content": "", "stop": true, "stop_type": "limit", "tokens_evaluated": 3, "tokens_predicted": 2})"));
    EXPECT_EQ(translator.tokens(), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(translator.metrics().done_reason, "length");
    EXPECT_EQ(translator.metrics().prompt_tokens, 3);
}

TEST(Metrics, LeaveOutZeros) {
    AnswerMetrics metrics;
    metrics.answer_tokens = 5;
    EXPECT_EQ(metrics_json(metrics, 1000, 0),
              text(R"({"done_reason": "stop", "total_duration": 1000, "eval_count": 5})"));
}

TEST(AnswerShape, IsThatOfEachEndpoint) {
    Piece piece;
    piece.text = "He";
    piece.thinking = "hm";
    Json chunk = AnswerShape{AnswerShape::Kind::chat, "m"}.chunk(piece);
    EXPECT_TRUE(chunk.contains("created_at"));
    chunk.erase("created_at");
    EXPECT_EQ(
        chunk,
        text(
            R"({"model": "m", "done": false, "message": {"role": "assistant", "content": "He", "thinking": "hm"}})"));
    chunk = AnswerShape{AnswerShape::Kind::generate, "m"}.done("load");
    chunk.erase("created_at");
    EXPECT_EQ(chunk, text(R"({"model": "m", "done": true, "done_reason": "load", "response": ""})"));
}

TEST(Embeddings, StayOfLengthOneWhenTheyAreShortened) {
    const std::vector<float> vector = shorten({0.6f, 0.0f, 0.8f}, 1);
    ASSERT_EQ(vector.size(), 1u);
    EXPECT_FLOAT_EQ(vector[0], 1.0f);
    EXPECT_EQ(shorten({0.6f, 0.8f}, 5).size(), 2u);
}

} // namespace
} // namespace hearth::daemon
