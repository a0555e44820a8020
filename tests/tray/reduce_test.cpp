#include "states.hpp"

#include <gtest/gtest.h>

namespace hearth::tray {
namespace {

using testing::event;

State after(std::vector<Message> messages) {
    State state;
    for (const Message& message : messages) {
        reduce(state, message);
    }
    return state;
}

TEST(TrayState, KnowsWhatTheServiceServes) {
    const Json body = {{"version", "0.1.0"}, {"routes", {{{"method", "POST"}, {"path", "/hearth/v1/load"}}}}};
    const State state = after({Snapshot{Source::capabilities, body}});
    EXPECT_TRUE(state.serves("POST /hearth/v1/load"));
    EXPECT_FALSE(state.serves("POST /hearth/v1/unload"));
    EXPECT_EQ(state.service_version, "0.1.0");
}

TEST(TrayState, CountsOnlyModelsThatAnswer) {
    const Json rows = {{{"name", "a"}, {"state", "ready"}, {"size", 100}},
                       {{"name", "b"}, {"state", "loading"}, {"size", 0}}};
    const State state = after({Snapshot{Source::loaded, {{"models", rows}}}});
    EXPECT_EQ(state.ready_models(), 1u);
    EXPECT_EQ(state.loaded_bytes(), 100u);
}

TEST(TrayState, SumsTheFilesOfADownload) {
    const State state = after(
        {event("pull.progress", {{"pull", "m"}, {"digest", "d1"}, {"total", 100}, {"completed", 50}}),
         event("pull.progress", {{"pull", "m"}, {"digest", "d2"}, {"total", 300}}),
         event("pull.progress", {{"pull", "m"}, {"digest", "d1"}, {"total", 100}, {"completed", 100}})});
    EXPECT_EQ(state.pulls.at("m").percent(), 25);
}

TEST(TrayState, ShowsADownloadBeforeItsSizeIsKnown) {
    const State state = after({event("pull.progress", {{"pull", "m"}, {"status", "pulling manifest"}})});
    EXPECT_EQ(state.pulls.at("m").percent(), std::nullopt);
}

TEST(TrayState, EndsADownloadThatIsKeptUnderAnotherName) {
    State state =
        after({event("pull.progress", {{"pull", "hf.co/org/repo:Q4"}, {"model", "hf.co/org/repo:Q4"}})});
    const auto notices =
        reduce(state, event("pull.done", {{"pull", "hf.co/org/repo:Q4"}, {"model", "repo:q4"}}));
    EXPECT_TRUE(state.pulls.empty());
    ASSERT_EQ(notices.size(), 1u);
    EXPECT_EQ(notices[0].summary, "Downloaded repo:q4");
}

TEST(TrayState, TellsOfADownloadThatFailed) {
    State state;
    const auto notices = reduce(
        state, event("pull.failed", {{"model", "m"}, {"error", "no space left"}, {"code", "disk.full"}}));
    ASSERT_EQ(notices.size(), 1u);
    EXPECT_EQ(notices[0].summary, "Downloading m failed");
    EXPECT_EQ(notices[0].body, "no space left");
}

TEST(TrayState, IsQuietAboutADownloadThatTheUserEnded) {
    State state;
    EXPECT_TRUE(
        reduce(state, event("pull.failed", {{"model", "m"}, {"error", "cancelled"}, {"code", "cancelled"}}))
            .empty());
}

TEST(TrayState, RemembersThatMemoryIsLowUntilThatChanges) {
    State state;
    const auto notices =
        reduce(state, event("memory.low", {{"model", "m"}, {"reason", "needs 9 GB"}, {"hint", "try Q4"}}));
    ASSERT_EQ(notices.size(), 1u);
    EXPECT_EQ(notices[0].urgency, Notice::Urgency::critical);
    EXPECT_EQ(notices[0].body, "needs 9 GB\ntry Q4");
    EXPECT_EQ(state.low_memory, "needs 9 GB");
    reduce(state, event("model.unloaded", {{"model", "x"}}));
    EXPECT_EQ(state.low_memory, "");
}

TEST(TrayState, ForgetsAServiceThatIsGone) {
    State state = testing::connected({"POST /hearth/v1/load"});
    state.pulls["m"];
    state.local.starts_at_login = true;
    reduce(state, PhaseChanged{ServicePhase::asleep});
    EXPECT_TRUE(state.routes.empty());
    EXPECT_TRUE(state.loaded.empty());
    EXPECT_TRUE(state.pulls.empty());
    EXPECT_TRUE(state.local.starts_at_login);
}

TEST(TrayState, TakesWhatItDoesNotUnderstandForNothing) {
    State state;
    for (const Source source : all_sources()) {
        for (const Json& body :
             {Json(), Json(7), Json::array({1}), Json{{"models", 3}}, Json{{"models", {1, "x", nullptr}}},
              Json{{"routes", {nullptr}}}, Json{{"models", {{{"name", 5}, {"size", "x"}}}}}}) {
            EXPECT_NO_THROW(reduce(state, Snapshot{source, body}));
        }
    }
    EXPECT_TRUE(reduce(state, event("weather.changed", "wet")).empty());
    EXPECT_NO_THROW(reduce(state, event("pull.progress", {{"total", -5}, {"completed", "x"}})));
}

TEST(TrayState, TellsOfAnActionThatFailedWithItsHint) {
    State state;
    const auto notices = reduce(state, ActionFailed{"Loading m", "no such model", "hearth pull m"});
    ASSERT_EQ(notices.size(), 1u);
    EXPECT_EQ(notices[0].summary, "Loading m failed");
    EXPECT_EQ(notices[0].body, "no such model\nhearth pull m");
}

TEST(TraySources, AreReadAgainWhenAnEventMakesThemOld) {
    EXPECT_EQ(sources_after("model.loaded"), std::vector{Source::loaded});
    EXPECT_EQ(sources_after("pull.done"), std::vector{Source::models});
    EXPECT_EQ(sources_after("default.changed"), std::vector{Source::defaults});
    EXPECT_TRUE(sources_after("pull.progress").empty()) << "the event says it all";
}

} // namespace
} // namespace hearth::tray
