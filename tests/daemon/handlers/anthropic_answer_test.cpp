#include "daemon/handlers/anthropic_answer.hpp"

#include "base/error.hpp"

#include <gtest/gtest.h>

#include <random>

namespace hearth::daemon {
namespace {

Json chunk(Json delta, Json finish_reason = nullptr) {
    const Json choice = {
        {"index", 0}, {"delta", std::move(delta)}, {"finish_reason", std::move(finish_reason)}};
    return {{"object", "chat.completion.chunk"}, {"choices", Json::array({choice})}};
}

Json call(int index, Json function, const char* id = "") {
    Json piece = {{"index", index}, {"function", std::move(function)}};
    if (*id != '\0') {
        piece["id"] = id;
    }
    return chunk({{"tool_calls", Json::array({piece})}});
}

Json opening(int tokens) {
    Json event = chunk({{"role", "assistant"}, {"content", nullptr}});
    event["prompt_progress"] = {{"total", tokens}, {"processed", 0}};
    return event;
}

Json last(const char* reason, int input, int output) {
    Json event = chunk(Json::object(), reason);
    event["usage"] = {{"prompt_tokens", input}, {"completion_tokens", output}};
    return event;
}

std::vector<Json> run(const std::vector<Json>& chunks, std::vector<std::string> stops = {},
                      Thoughts thoughts = Thoughts::shown) {
    AnthropicEvents events("m", std::move(stops), 100, thoughts);
    std::vector<Json> all;
    for (const Json& one : chunks) {
        for (Json& event : events.feed(one)) {
            all.push_back(std::move(event));
        }
    }
    for (Json& event : events.finish()) {
        all.push_back(std::move(event));
    }
    return all;
}

Json whole(const std::vector<Json>& events) {
    AnthropicMessage message;
    for (const Json& event : events) {
        message.add(event);
    }
    return message.take();
}

std::string types(const std::vector<Json>& events) {
    std::string names;
    for (const Json& event : events) {
        names += (names.empty() ? "" : " ") + event["type"].get<std::string>();
    }
    return names;
}

TEST(AnthropicAnswer, StreamsATextInOneBlock) {
    const auto events =
        run({opening(7), chunk({{"content", "Hello"}}), chunk({{"content", " you"}}), last("stop", 7, 2)});
    EXPECT_EQ(types(events), "message_start content_block_start content_block_delta content_block_delta "
                             "content_block_stop message_delta message_stop");
    const Json& message = events[0]["message"];
    EXPECT_EQ(message["model"], "m");
    EXPECT_EQ(message["content"], Json::array());
    EXPECT_EQ(message["usage"]["input_tokens"], 7);
    EXPECT_EQ(message["usage"]["output_tokens"], 0);
    EXPECT_TRUE(message["id"].get<std::string>().starts_with("msg_"));
    EXPECT_EQ(events[1]["content_block"], (Json{{"type", "text"}, {"text", ""}}));
    EXPECT_EQ(events[3]["delta"], (Json{{"type", "text_delta"}, {"text", " you"}}));
    EXPECT_EQ(events[5]["delta"], (Json{{"stop_reason", "end_turn"}, {"stop_sequence", nullptr}}));
    EXPECT_EQ(events[5]["usage"]["output_tokens"], 2);
}

TEST(AnthropicAnswer, TellsTheInputOnceTheBackendDoes) {
    const auto events = run({chunk({{"content", "x"}}), last("stop", 9, 1)});
    EXPECT_EQ(events[0]["message"]["usage"]["input_tokens"], 0);
    EXPECT_EQ(events[4]["usage"]["input_tokens"], 9);
    EXPECT_EQ(whole(events)["usage"]["input_tokens"], 9);
}

TEST(AnthropicAnswer, PutsThoughtsTextAndCallsInBlocksOfTheirOwn) {
    const auto events =
        run({opening(3), chunk({{"reasoning_content", "hm"}}), chunk({{"content", "So"}}),
             call(0, {{"name", "look"}, {"arguments", ""}}, "c1"), call(0, {{"arguments", "{\"at\":"}}),
             call(0, {{"arguments", "\"sky\", \"as\": 1}"}}), call(1, {{"name", "wait"}, {"arguments", ""}}),
             last("tool_calls", 3, 9)});
    EXPECT_EQ(types(events),
              "message_start content_block_start content_block_delta content_block_delta content_block_stop "
              "content_block_start content_block_delta content_block_stop "
              "content_block_start content_block_delta content_block_delta content_block_stop "
              "content_block_start content_block_stop message_delta message_stop");
    EXPECT_EQ(events[3]["delta"]["type"], "signature_delta");
    EXPECT_EQ(events[9]["delta"], (Json{{"type", "input_json_delta"}, {"partial_json", "{\"at\":"}}));
    const Json message = whole(events);
    const Json expected = Json::array(
        {{{"type", "thinking"}, {"thinking", "hm"}, {"signature", ""}},
         {{"type", "text"}, {"text", "So"}},
         {{"type", "tool_use"}, {"id", "c1"}, {"name", "look"}, {"input", {{"at", "sky"}, {"as", 1}}}},
         {{"type", "tool_use"}, {"id", "toolu_3"}, {"name", "wait"}, {"input", Json::object()}}});
    EXPECT_EQ(Json::parse(to_text(message["content"])), expected);
    EXPECT_EQ(to_text(message["content"][2]["input"]), R"({"at":"sky","as":1})"); // as the model wrote it
    EXPECT_EQ(message["stop_reason"], "tool_use");
}

TEST(AnthropicAnswer, LeavesThoughtsOutThatNobodyAskedFor) {
    const std::vector<Json> chunks{chunk({{"reasoning_content", "hm"}}), chunk({{"content", "So"}}),
                                   last("stop", 3, 2)};
    const Json content = whole(run(chunks, {}, Thoughts::left_out))["content"];
    ASSERT_EQ(content.size(), 1u);
    EXPECT_EQ(content[0]["text"], "So");
}

TEST(AnthropicAnswer, SaysThatItLivesWhileALongPromptIsRead) {
    const auto events = run({opening(9000), opening(9000), chunk({{"content", "x"}}), last("stop", 9000, 1)});
    EXPECT_EQ(types(events), "message_start ping content_block_start content_block_delta content_block_stop "
                             "message_delta message_stop");
    EXPECT_EQ(whole(events)["content"].size(), 1u);
}

TEST(AnthropicAnswer, SaysThatItLivesWhileItThinksUnseen) {
    const std::vector<Json> thoughts(100, chunk({{"reasoning_content", "hm"}}));
    EXPECT_EQ(types(run(thoughts, {}, Thoughts::left_out)),
              "message_start ping ping ping message_delta message_stop");
}

TEST(AnthropicAnswer, TellsCallsApartThatHaveNoNumber) {
    const auto piece = [](const char* name) {
        const Json one = {{"function", {{"name", name}, {"arguments", "{}"}}}};
        return chunk({{"tool_calls", Json::array({one})}});
    };
    const Json content = whole(run({piece("look"), piece("wait"), last("tool_calls", 1, 2)}))["content"];
    ASSERT_EQ(content.size(), 2u);
    EXPECT_EQ(content[0]["name"], "look");
    EXPECT_EQ(content[1]["name"], "wait");
}

TEST(AnthropicAnswer, SaysWhyItEnded) {
    const auto reason = [](Json end, std::vector<std::string> stops = {}) {
        return whole(run({chunk({{"content", "x"}}), std::move(end)}, std::move(stops)));
    };
    EXPECT_EQ(reason(last("stop", 1, 1))["stop_reason"], "end_turn");
    EXPECT_EQ(reason(last("length", 1, 100))["stop_reason"], "max_tokens");
    EXPECT_EQ(reason(last("length", 1, 60))["stop_reason"], "model_context_window_exceeded");
    Json stopped = last("stop", 1, 1);
    stopped["choices"][0]["stop_reason"] = "END";
    EXPECT_EQ(reason(stopped, {"other", "END"})["stop_reason"], "stop_sequence");
    EXPECT_EQ(reason(stopped, {"other", "END"})["stop_sequence"], "END");
    EXPECT_EQ(reason(stopped)["stop_reason"], "end_turn"); // the model's own, not the client's
    EXPECT_EQ(reason(stopped)["stop_sequence"], nullptr);
}

TEST(AnthropicAnswer, AnEmptyAnswerIsAMessageWithoutBlocks) {
    const auto events = run({last("stop", 4, 0)});
    EXPECT_EQ(types(events), "message_start message_delta message_stop");
    EXPECT_EQ(whole(events)["content"], Json::array());
    EXPECT_EQ(types(run({})), "message_start message_delta message_stop");
}

TEST(AnthropicAnswer, ShowsArgumentsThatAreNoObject) {
    const Json message =
        whole(run({call(0, {{"name", "look"}, {"arguments", "up]"}}, "c1"), last("tool_calls", 1, 1)}));
    EXPECT_EQ(message["content"][0]["input"], (Json{{"arguments", "up]"}}));
}

TEST(AnthropicAnswer, CountsPiecesWhereTheBackendCountsNothing) {
    const auto events =
        run({chunk({{"content", "a"}}), chunk({{"content", "b"}}), chunk(Json::object(), "stop")});
    EXPECT_EQ(whole(events)["usage"]["output_tokens"], 2);
}

TEST(AnthropicAnswer, FailsWhenTheBackendDoes) {
    for (const Json& wrong : {Json(5), Json{{"error", {{"message", "out of paper"}}}}, Json{{"error", "no"}},
                              call(0, {{"arguments", "{}"}})}) {
        AnthropicEvents events("m", {}, 1);
        EXPECT_THROW(events.feed(wrong), Error) << wrong;
    }
    AnthropicEvents events("m", {}, 1);
    events.feed(call(0, {{"name", "a"}}));
    events.feed(call(1, {{"name", "b"}}));
    EXPECT_THROW(events.feed(call(0, {{"arguments", "{}"}})), Error);
}

/// What every client relies on: one block open at a time, indices without a gap, deltas only of the open block.
void check_grammar(const std::vector<Json>& events) {
    ASSERT_EQ(events.front()["type"], "message_start");
    ASSERT_EQ(events.back()["type"], "message_stop");
    ASSERT_EQ(events[events.size() - 2]["type"], "message_delta");
    int blocks = 0;
    bool open = false;
    for (std::size_t i = 1; i + 2 < events.size(); ++i) {
        const Json& event = events[i];
        const bool begins = event["type"] == "content_block_start";
        ASSERT_NE(open, begins);
        blocks += begins ? 1 : 0;
        ASSERT_EQ(event["index"], blocks - 1);
        open = event["type"] != "content_block_stop";
    }
    ASSERT_FALSE(open);
}

TEST(AnthropicAnswer, KeepsTheGrammarWhateverTheBackendSays) {
    std::mt19937 random(7); // NOLINT(cert-msc51-cpp): the same answers at every run
    const auto pick = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
    for (int round = 0; round < 2000; ++round) {
        std::vector<Json> chunks;
        std::string text;
        std::string thoughts;
        int calls = 0;
        for (int left = pick(12); left > 0; --left) {
            const std::string word(static_cast<std::size_t>(pick(3)), 'a');
            switch (pick(4)) {
            case 0:
                chunks.push_back(chunk({{"content", word}}));
                text += word;
                break;
            case 1:
                chunks.push_back(chunk({{"reasoning_content", word}}));
                thoughts += word;
                break;
            case 2:
                chunks.push_back(call(calls++, {{"name", "f"}, {"arguments", "{}"}}));
                break;
            default:
                chunks.push_back(chunk({{"content", nullptr}}));
            }
        }
        chunks.push_back(last("stop", 1, 5));
        const auto events = run(chunks);
        check_grammar(events);
        std::string shown_text;
        std::string shown_thoughts;
        int shown_calls = 0;
        for (const Json& block : whole(events)["content"]) {
            shown_text += block.value("text", "");
            shown_thoughts += block.value("thinking", "");
            shown_calls += block["type"] == "tool_use" ? 1 : 0;
        }
        ASSERT_EQ(std::tie(shown_text, shown_thoughts, shown_calls), std::tie(text, thoughts, calls));
    }
}

} // namespace
} // namespace hearth::daemon
