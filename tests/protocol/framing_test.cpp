#include "base/error.hpp"
#include "protocol/ndjson.hpp"
#include "protocol/sse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hearth::protocol {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> split_lines(const std::string& text, std::size_t piece) {
    std::vector<std::string> lines;
    LineSplitter splitter([&](std::string_view line) { lines.emplace_back(line); });
    for (std::size_t at = 0; at < text.size(); at += piece) {
        splitter.feed(std::string_view(text).substr(at, piece));
    }
    splitter.finish();
    return lines;
}

TEST(NdjsonLine, EndsWithOneNewlineAndHoldsNoOther) {
    Json value;
    value["text"] = "a\nb\xFF";
    EXPECT_EQ(ndjson_line(value), "{\"text\":\"a\\nb\xEF\xBF\xBD\"}\n");
}

TEST(LineSplitter, FindsTheSameLinesHoweverTheBytesArrive) {
    const std::string text = "one\ntwo\r\n\n\r\nthree";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        EXPECT_THAT(split_lines(text, piece), ElementsAre("one", "two", "three")) << piece;
    }
}

TEST(LineSplitter, RefusesALineOverItsLimitBeforeItsEndCame) {
    std::vector<std::string> lines;
    LineSplitter splitter([&](std::string_view line) { lines.emplace_back(line); }, 4);
    splitter.feed("1234\n");
    EXPECT_THAT(lines, ElementsAre("1234"));
    EXPECT_THROW(splitter.feed("12345"), Error);
}

std::vector<std::string> split_events(const std::string& text, std::size_t piece) {
    std::vector<std::string> events;
    SseSplitter splitter([&](const SseEvent& event) { events.push_back(event.event + "|" + event.data); });
    for (std::size_t at = 0; at < text.size(); at += piece) {
        splitter.feed(std::string_view(text).substr(at, piece));
    }
    return events;
}

TEST(SseEvent, OfEveryKindIsReadBack) {
    const std::string text =
        sse_event("{}") + sse_comment("ping\nx") + sse_event("a\nb\r\nc\rd", "done\nx") + sse_event("");
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        EXPECT_THAT(split_events(text, piece), ElementsAre("message|{}", "done|a\nb\nc\nd", "message|"))
            << piece;
    }
}

TEST(SseSplitter, FollowsTheStandard) {
    const std::string text =
        "\xEF\xBB\xBF"
        "data:x\r\ndata:  y\rdata\n\nevent: e\n\nid: 7\ndata: z\n: note\nretry: 5\n\ndata: unfinished\n";
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        EXPECT_THAT(split_events(text, piece), ElementsAre("message|x\n y\n", "message|z")) << piece;
    }
}

TEST(SseSplitter, KeepsTheLastId) {
    std::vector<std::string> ids;
    SseSplitter splitter([&](const SseEvent& event) { ids.push_back(event.id); });
    splitter.feed("data: a\n\nid: 7\ndata: b\n\ndata: c\n\n");
    EXPECT_THAT(ids, ElementsAre("", "7", "7"));
}

TEST(SseSplitter, RefusesAnEventOverItsLimit) {
    SseSplitter splitter([](const SseEvent&) {}, 20);
    splitter.feed("data: 0123456789\n");
    EXPECT_THROW(splitter.feed("data: 0123456789\n"), Error);
}

} // namespace
} // namespace hearth::protocol
