#include "plugins/sdk/plugin.hpp"
#include "plugins/sdk/shapes.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace hearth::echo {
namespace {

using sdk::Json;
using sdk::Outcome;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The plugin through its table; what it says and what tests can ask it to do wrong.
class Echo : public ::testing::Test {
  protected:
    static sdk::Plugin& plugin() { // a library is loaded and initialised once in a process
        static auto* loaded = [] {
            auto* made = new sdk::Plugin(ECHO_PLUGIN);
            made->set_table(made->get(HEARTH_ABI_VERSION));
            made->init("{}").must_be_ok();
            return made;
        }();
        return *loaded;
    }
    void TearDown() override { plugin().table().unload(model_); }

    Outcome load(const Json& options = Json::object(), int parallel = 4, int context = 100) {
        const Json spec = {
            {"alias", "m"}, {"context", context}, {"parallel", parallel}, {"options", options}};
        return plugin().load(spec.dump(), {}, {}, model_);
    }
    static Json chat_body(const std::string& text, Json more = Json::object()) {
        more["messages"] = Json::array({{{"role", "user"}, {"content", text}}});
        return more;
    }
    Outcome chat(const std::string& text, const Json& more = Json::object()) {
        return plugin().ask(model_, "chat", chat_body(text, more));
    }
    static std::vector<std::string> words(const Outcome& outcome) {
        std::vector<std::string> result;
        for (const Json& event : outcome.all()) {
            const Json content = event["choices"][0]["delta"].value("content", Json());
            if (content.is_string()) {
                result.push_back(content);
            }
        }
        return result;
    }
    hearth_status create_status(const std::string& operation, const Json& body) {
        hearth_request* request = nullptr;
        const hearth_status status = plugin().create(model_, operation, body.dump(), request).status;
        if (request != nullptr) {
            plugin().table().request_free(request);
        }
        return status;
    }

    hearth_model* model_ = nullptr;
};

TEST_F(Echo, AnswersWithTheLastWordsOfTheUser) {
    load();
    const Json user = {{"role", "user"}, {"content", "first"}};
    const Json answer = {{"role", "assistant"}, {"content", "yes"}};
    const Json last = {{"role", "user"}, {"content", Json::array({{{"type", "text"}, {"text", "to be"}}})}};
    const Json body = {{"messages", {user, answer, last}}, {"stream", true}};
    const Outcome outcome = plugin().ask(model_, "chat", body);
    EXPECT_THAT(words(outcome), ElementsAre("to", " be"));
    EXPECT_EQ(outcome.all().back()["choices"][0]["finish_reason"], "stop");
    EXPECT_EQ(outcome.all().back()["usage"]["completion_tokens"], 2);
    EXPECT_EQ(outcome.all().back()["model"], "m");
}

TEST_F(Echo, AnswersInOneEventWithoutStream) {
    load();
    const Json event = chat("to be").single();
    EXPECT_EQ(event["choices"][0]["message"]["content"], "to be");
}

TEST_F(Echo, SaysNoMoreThanWasAllowed) {
    load();
    const Outcome outcome = chat("one two three", {{"stream", true}, {"max_tokens", 2}});
    EXPECT_THAT(words(outcome), ElementsAre("one", " two"));
    EXPECT_EQ(outcome.all().back()["choices"][0]["finish_reason"], "length");
    const Json complete =
        plugin().ask(model_, "complete", {{"prompt", "one two"}, {"n_predict", 1}}).single();
    EXPECT_EQ(complete["stop_type"], "limit");
    EXPECT_EQ(complete["content"], "one");
}

TEST_F(Echo, EndsAtAStop) {
    load();
    const Json event =
        plugin().ask(model_, "complete", {{"prompt", "one two three"}, {"stop", {"two"}}}).single();
    EXPECT_EQ(event["content"], "one ");
    EXPECT_EQ(event["stop_type"], "word");
}

TEST_F(Echo, SaysWhichStopEndedAChat) {
    load();
    const Json event = chat("one two three", {{"stop", {"four", "two"}}}).single();
    EXPECT_EQ(event["choices"][0]["stop_reason"], "two");
    EXPECT_FALSE(chat("one", {{"stop", {"four"}}}).single()["choices"][0].contains("stop_reason"));
}

TEST_F(Echo, CountsAPromptAndSaysItBeforeTheAnswer) {
    load();
    const Outcome outcome = chat("one two", {{"stream", true}, {"return_progress", true}});
    const Json tokens = outcome.all().back()["usage"]["prompt_tokens"];
    EXPECT_EQ(outcome.all().front()["prompt_progress"]["total"], tokens);
    const Json message = {{"role", "user"}, {"content", "one two"}};
    EXPECT_EQ(plugin().ask(model_, "count", {{"messages", Json::array({message})}}).single()["tokens"],
              tokens);
}

TEST_F(Echo, RefusesAPromptLongerThanItsContext) {
    load(Json::object(), 1, 3);
    EXPECT_EQ(create_status("complete", {{"prompt", "one two three"}}), HEARTH_OK);
    EXPECT_EQ(create_status("complete", {{"prompt", "one two three four"}}), HEARTH_E_CONTEXT);
}

TEST_F(Echo, FailsAfterSoManyWords) {
    load();
    Outcome outcome = chat("one two three", {{"stream", true}, {"echo_fail_after", 2}});
    EXPECT_EQ(outcome.status, HEARTH_E_INTERNAL);
    EXPECT_THAT(outcome.message, HasSubstr("after 2 words"));
    EXPECT_THAT(words(outcome), ElementsAre("one", " two"));
}

TEST_F(Echo, TakesDefaultsFromTheLoad) {
    load({{"echo_repeat", 2}});
    EXPECT_THAT(words(chat("x", {{"stream", true}})), ElementsAre("x", " x"));
    EXPECT_THAT(words(chat("x", {{"stream", true}, {"echo_repeat", 1}})), ElementsAre("x"));
}

TEST_F(Echo, FailsALoadWhenAsked) {
    const Outcome outcome = load({{"echo_load_fail", HEARTH_E_NOMEM}});
    EXPECT_EQ(outcome.status, HEARTH_E_NOMEM);
    EXPECT_EQ(model_, nullptr);
}

TEST_F(Echo, LetsRequestsWaitForASlotAndForgetsThoseThatAreCancelledThere) {
    load(Json::object(), 1);
    hearth_request *first = nullptr, *second = nullptr;
    const std::string slow = chat_body("x", {{"stream", true}, {"echo_hang_after", 1}}).dump();
    plugin().create(model_, "chat", slow, first).must_be_ok();
    plugin().create(model_, "chat", chat_body("y").dump(), second).must_be_ok();
    std::atomic<bool> holds_slot = false;
    std::atomic<hearth_status> first_status = HEARTH_OK;
    std::thread runs(
        [&] { first_status = plugin().run(first, [&](std::size_t) { return holds_slot = true; }).status; });
    while (!holds_slot) {
        std::this_thread::yield();
    }
    std::atomic<hearth_status> second_status = HEARTH_OK;
    std::thread waits([&] { second_status = plugin().run(second, {}).status; });
    plugin().table().request_cancel(
        second); // before, or while it waits: it ends either way, the slot being taken
    waits.join();
    EXPECT_EQ(second_status, HEARTH_E_CANCELLED);
    plugin().table().request_cancel(first);
    runs.join();
    EXPECT_EQ(first_status, HEARTH_E_CANCELLED);
    plugin().table().request_free(first);
    plugin().table().request_free(second);
}

TEST_F(Echo, UnloadCancelsWhatRunsAndWaitsForIt) {
    load();
    std::atomic<bool> running = false;
    std::atomic<bool> freed = false;
    std::thread runs([&] {
        hearth_request* request = nullptr;
        plugin().create(model_, "chat", chat_body("x y", {{"stream", true}, {"echo_hang_after", 1}}).dump(),
                        request);
        plugin().run(request, [&](std::size_t) { return running = true; });
        freed = true;
        plugin().table().request_free(request);
    });
    while (!running) {
        std::this_thread::yield();
    }
    plugin().table().unload(model_);
    model_ = nullptr;
    EXPECT_TRUE(freed);
    runs.join();
}

TEST_F(Echo, RefusesWrongTypes) {
    load();
    EXPECT_EQ(create_status("chat", chat_body("x", {{"stream", 1}})), HEARTH_E_INVALID);
    EXPECT_EQ(create_status("chat", chat_body("x", {{"max_tokens", "many"}})), HEARTH_E_INVALID);
    EXPECT_EQ(create_status("chat", chat_body("x", {{"stop", {1}}})), HEARTH_E_INVALID);
    EXPECT_EQ(create_status("chat", chat_body("x", {{"echo_repeat", "twice"}})), HEARTH_E_INVALID);
    EXPECT_EQ(create_status("chat", {{"messages", {5}}}), HEARTH_E_INVALID);
    EXPECT_EQ(create_status("paint", Json::object()), HEARTH_E_UNSUPPORTED);
}

} // namespace
} // namespace hearth::echo
