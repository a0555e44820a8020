#include "tests/plugins/llama_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <thread>

namespace hearth::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;
using Paths = std::vector<std::filesystem::path>;

const std::filesystem::path models = HEARTH_TEST_MODELS;
const Paths tiny = {models / "tiny.gguf"};
const Paths tiny_split = {models / "tiny-00001-of-00003.gguf", models / "tiny-00002-of-00003.gguf",
                          models / "tiny-00003-of-00003.gguf"};
const Paths embedder = {models / "embed.gguf"};

json chat(const std::string& text, int tokens, bool stream) {
    return {{"messages", {{{"role", "user"}, {"content", text}}}},
            {"max_tokens", tokens},
            {"temperature", 0},
            {"stream", stream}};
}

std::size_t entries_of(const char* folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

/// A model that is unloaded at the end of the test.
class LlamaBackend : public testing::Test {
  protected:
    LlamaHost& host = LlamaHost::instance();
    hearth_model* model = nullptr;

    /// One thread: with two, a busy machine makes llama.cpp's threads wait for each other for seconds.
    Answer load(const Paths& files, json spec = json::object()) {
        spec["threads"] = 1;
        return host.load(files, spec, &model);
    }
    void load_tiny() {
        const Answer answer = load(tiny, {{"alias", "pebble"}, {"context", 1024}, {"parallel", 4}});
        ASSERT_EQ(answer.status, HEARTH_OK) << answer.message;
    }
    void unload() {
        if (model) {
            host.backend().unload(model);
            model = nullptr;
        }
    }
    void TearDown() override { unload(); }
};

TEST_F(LlamaBackend, AnswersTheSameTextStreamedAndAtOnce) {
    load_tiny();
    const Answer whole = host.ask(model, "chat", chat("hello", 24, false));
    ASSERT_EQ(whole.status, HEARTH_OK) << whole.message;
    ASSERT_EQ(whole.events.size(), 1u);
    const Answer streamed = host.ask(model, "chat", chat("hello", 24, true));
    ASSERT_EQ(streamed.status, HEARTH_OK) << streamed.message;
    EXPECT_GT(streamed.events.size(), 10u);
    EXPECT_FALSE(whole.text().empty());
    EXPECT_EQ(streamed.text(), whole.text());
}

TEST_F(LlamaBackend, PutsReasonAndUsageIntoTheLastEvent) {
    load_tiny();
    const json last = host.ask(model, "chat", chat("hello", 8, true)).last();
    EXPECT_EQ(last["choices"][0]["finish_reason"], "length");
    EXPECT_EQ(last["usage"]["completion_tokens"], 8);
    EXPECT_EQ(last["timings"]["predicted_n"], 8);
    EXPECT_EQ(last["model"], "pebble");
}

TEST_F(LlamaBackend, EndsACompletionWithItsCounts) {
    load_tiny();
    const Answer answer = host.ask(model, "complete", {{"prompt", "ba"}, {"n_predict", 5}, {"stream", true}});
    ASSERT_EQ(answer.status, HEARTH_OK) << answer.message;
    EXPECT_EQ(json::parse(answer.events.front())["stop"], false);
    const json last = answer.last();
    EXPECT_EQ(last["stop"], true);
    EXPECT_EQ(last["stop_type"], "limit");
    EXPECT_EQ(last["tokens_predicted"], 5);
    EXPECT_FALSE(last.contains("prompt"));
}

TEST_F(LlamaBackend, LoadsASplitModelLikeAWholeOne) {
    load_tiny();
    const std::string expected = host.ask(model, "chat", chat("split", 16, false)).text();
    unload();
    const Answer answer = load(tiny_split, {{"context", 1024}, {"parallel", 4}});
    ASSERT_EQ(answer.status, HEARTH_OK) << answer.message;
    EXPECT_EQ(host.ask(model, "chat", chat("split", 16, false)).text(), expected);
}

TEST_F(LlamaBackend, RefusesASplitModelWithAMissingShard) {
    const Answer answer = load({tiny_split[0], tiny_split[2]});
    EXPECT_EQ(answer.status, HEARTH_E_FORMAT) << answer.message;
    EXPECT_EQ(model, nullptr);
}

TEST_F(LlamaBackend, AnswersFourRequestsAtOnce) {
    load_tiny();
    std::vector<Answer> answers(4);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        threads.emplace_back(
            [&, i] { answers[i] = host.ask(model, "chat", chat("number " + std::to_string(i), 40, true)); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    for (const Answer& answer : answers) {
        EXPECT_EQ(answer.status, HEARTH_OK) << answer.message;
        EXPECT_EQ(answer.last()["usage"]["completion_tokens"], 40);
    }
}

TEST_F(LlamaBackend, StopsWhenTheRequestIsCancelled) {
    load_tiny();
    json endless = chat("go on", 900, true);
    const Answer answer = host.ask(model, "chat", endless, [&](hearth_request* request) {
        host.backend().request_cancel(request);
        return 0;
    });
    EXPECT_EQ(answer.status, HEARTH_E_CANCELLED);
    EXPECT_LT(answer.events.size(), 900u);
    EXPECT_EQ(host.ask(model, "chat", chat("next", 4, false)).status, HEARTH_OK);
}

TEST_F(LlamaBackend, StopsWhenNobodyListens) {
    load_tiny();
    const Answer answer =
        host.ask(model, "chat", chat("go on", 900, true), [](hearth_request*) { return 1; });
    EXPECT_EQ(answer.status, HEARTH_E_CANCELLED);
    EXPECT_EQ(answer.events.size(), 1u);
}

TEST_F(LlamaBackend, RemembersACancelThatComesBeforeTheRun) {
    load_tiny();
    const std::string body = chat("never", 4, false).dump();
    hearth_error error{};
    error.struct_size = sizeof(error);
    hearth_request* request = nullptr;
    ASSERT_EQ(host.backend().request_create(model, {"chat", 4}, {body.data(), body.size()}, &request, &error),
              HEARTH_OK);
    host.backend().request_cancel(request);
    const hearth_sink sink = {sizeof(hearth_sink), 0, nullptr, [](void*, hearth_str) { return int32_t{0}; }};
    EXPECT_EQ(host.backend().request_run(request, &sink, &error), HEARTH_E_CANCELLED);
    host.backend().request_free(request);
}

TEST_F(LlamaBackend, RefusesBrokenFilesAndLeavesNothingBehind) {
    load_tiny(); // what llama.cpp keeps for the process is there afterwards
    unload();
    std::ifstream source(tiny.front(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(source), {}};
    const std::filesystem::path broken = std::filesystem::path(testing::TempDir()) / "hearth-broken.gguf";
    const std::size_t descriptors = entries_of("/proc/self/fd");
    const std::size_t threads = entries_of("/proc/self/task");
    for (const std::size_t length : {std::size_t{0}, std::size_t{4}, std::size_t{23}, std::size_t{1000},
                                     bytes.size() / 10, bytes.size() / 2, bytes.size() - 1}) {
        std::ofstream(broken, std::ios::binary | std::ios::trunc) << bytes.substr(0, length);
        const Answer answer = load({broken});
        EXPECT_EQ(answer.status, HEARTH_E_FORMAT) << length << ": " << answer.message;
        EXPECT_EQ(model, nullptr);
    }
    std::ofstream(broken, std::ios::binary | std::ios::trunc) << std::string(100000, 'x');
    EXPECT_EQ(load({broken}).status, HEARTH_E_FORMAT);
    std::filesystem::remove(broken);
    EXPECT_EQ(entries_of("/proc/self/fd"), descriptors);
    EXPECT_EQ(entries_of("/proc/self/task"), threads);
}

TEST_F(LlamaBackend, CancelsALoadAndLoadsAgain) {
    const Answer cancelled = host.load(tiny, json::object(), &model, [](float) { return 1; });
    EXPECT_EQ(cancelled.status, HEARTH_E_CANCELLED);
    EXPECT_EQ(model, nullptr);
    load_tiny();
    EXPECT_EQ(host.ask(model, "chat", chat("again", 4, false)).status, HEARTH_OK);
}

TEST_F(LlamaBackend, UnloadsAndLoadsAgain) {
    load_tiny();
    const std::string first = host.ask(model, "chat", chat("once more", 12, false)).text();
    unload();
    load_tiny();
    EXPECT_EQ(host.ask(model, "chat", chat("once more", 12, false)).text(), first);
}

TEST_F(LlamaBackend, UnloadsAModelThatWasNeverAsked) {
    load_tiny();
    unload();
}

TEST_F(LlamaBackend, SaysThatAPromptIsLongerThanTheContext) {
    load_tiny();
    std::string words;
    for (int i = 0; i < 1200; ++i) {
        words += " ba";
    }
    EXPECT_EQ(host.ask(model, "chat", chat(words, 4, true)).status, HEARTH_E_CONTEXT);
}

TEST_F(LlamaBackend, GivesEverySequenceTheWholeContext) {
    load_tiny();
    const json info = host.info(model).last();
    EXPECT_EQ(info["context"], 1024);
    EXPECT_EQ(info["parallel"], 4);
    EXPECT_EQ(info["chat_template"], true);
    EXPECT_GT(info["memory"]["devices"]["cpu"]["weights"], 2000000);
    EXPECT_GT(info["memory"]["devices"]["cpu"]["kv"], 0);
}

TEST_F(LlamaBackend, EstimatesWhatALoadThenTakes) {
    const std::vector<json> specs = {
        {{"context", 1024}, {"parallel", 4}},
        {{"context", 1000}, {"parallel", 2}, {"unified", false}},
        {{"context", 512}, {"options", {{"load_mode", "mmap"}, {"ubatch", 64}, {"flash_attention", "off"}}}},
        {{"context", 512}, {"options", {{"load_mode", "repack"}, {"cache_type_k", "bf16"}}}},
        {{"context", 512}, {"options", {{"load_mode", "read"}}}, {"embeddings", true}}};
    for (const json& spec : specs) {
        for (const Paths& files : {tiny, tiny_split}) {
            const Answer estimate = host.estimate(files, spec);
            ASSERT_EQ(estimate.status, HEARTH_OK) << estimate.message;
            ASSERT_EQ(load(files, spec).status, HEARTH_OK);
            EXPECT_EQ(estimate.last(), host.info(model).last()["memory"]) << spec;
            unload();
        }
    }
}

TEST_F(LlamaBackend, LoadsNothingOnPretendedDevices) {
    const json spec = {{"pretend", {{{"id", "cuda0"}, {"bytes", 1 << 30}}}}};
    EXPECT_EQ(host.estimate(tiny, spec).last()["devices"].size(), 2u);
    json placed = spec;
    placed["options"] = {
        {"gpu_layers", 2}, {"expert_layers_on_host", 1}, {"tensor_split", {1}}, {"device", "none"}};
    EXPECT_EQ(host.estimate(tiny, placed).last()["devices"].size(), 2u);
    EXPECT_EQ(load(tiny, spec).status, HEARTH_E_INVALID);
}

TEST_F(LlamaBackend, NeverFetchesMedia) {
    load_tiny();
    for (const char* address :
         {"http://127.0.0.1:1/x.png", "https://example.org/x.png", "file:///etc/passwd"}) {
        json body = chat("look", 4, false);
        body["messages"][0]["content"] = {{{"type", "image_url"}, {"image_url", {{"url", address}}}}};
        EXPECT_EQ(host.ask(model, "chat", body).status, HEARTH_E_INVALID) << address;
    }
}

TEST_F(LlamaBackend, RefusesWrongRequestsByName) {
    load_tiny();
    EXPECT_EQ(host.ask(model, "paint", json::object()).status, HEARTH_E_UNSUPPORTED);
    EXPECT_EQ(host.ask(model, "chat", {{"messages", json::array()}}).status, HEARTH_E_INVALID);
    EXPECT_EQ(host.ask(model, "chat", json::array()).status, HEARTH_E_INVALID);
    EXPECT_EQ(host.ask(model, "complete", {{"prompt", 5}}).status, HEARTH_E_INVALID);
    EXPECT_EQ(host.ask(model, "complete", {{"prompt", "x"}, {"n_predict", "five"}}).status, HEARTH_E_INVALID);
    EXPECT_EQ(host.ask(model, "complete", {{"prompt", "x"}, {"grammar", "root ::= ("}}).status,
              HEARTH_E_UNSUPPORTED);
    EXPECT_EQ(host.ask(model, "embed", {{"input", "x"}}).status, HEARTH_E_UNSUPPORTED);
}

TEST_F(LlamaBackend, RefusesSettingsThatNameFilesOrHosts) {
    for (const char* argument :
         {"--host", "--model-url", "--lora", "--grammar-file", "--slot-save-path", "--media-path",
          "--chat-template-file", "--mcp-servers-json", "--help", "--version"}) {
        const Answer answer = load(tiny, {{"options", {{"arguments", {argument, "x"}}}}});
        EXPECT_EQ(answer.status, HEARTH_E_INVALID) << argument;
    }
    EXPECT_EQ(load(tiny, {{"parallel", 0}}).status, HEARTH_E_INVALID);
    EXPECT_EQ(load(tiny, {{"options", {{"flash_attention", "sideways"}}}}).status, HEARTH_E_INVALID);
}

TEST_F(LlamaBackend, TakesLlamaServersArguments) {
    const Answer answer =
        load(tiny, {{"context", 512},
                    {"options", {{"batch", 64}, {"arguments", {"--temp", "0.5", "--no-repack"}}}}});
    ASSERT_EQ(answer.status, HEARTH_OK) << answer.message;
    EXPECT_EQ(host.ask(model, "chat", chat("x", 4, false)).status, HEARTH_OK);
}

TEST_F(LlamaBackend, EmbedsIntoVectorsOfLengthOne) {
    ASSERT_EQ(load(embedder).status, HEARTH_OK);
    const Answer answer = host.ask(model, "embed", {{"input", {"kanemi tolu", "hello", "hello"}}});
    ASSERT_EQ(answer.status, HEARTH_OK) << answer.message;
    const auto vectors = answer.last()["embeddings"].get<std::vector<std::vector<double>>>();
    ASSERT_EQ(vectors.size(), 3u);
    EXPECT_EQ(vectors[1], vectors[2]);
    EXPECT_NE(vectors[0], vectors[1]);
    double square = 0;
    for (const double value : vectors[0]) {
        square += value * value;
    }
    EXPECT_NEAR(std::sqrt(square), 1.0, 1e-4);
    EXPECT_EQ(host.ask(model, "chat", chat("x", 4, false)).status, HEARTH_E_UNSUPPORTED);
}

TEST_F(LlamaBackend, ChatModelsEmbedWhenLoadedForIt) {
    ASSERT_EQ(load(tiny, {{"embeddings", true}, {"context", 256}}).status, HEARTH_OK);
    EXPECT_EQ(host.ask(model, "embed", {{"input", "hello"}}).status, HEARTH_OK);
    EXPECT_EQ(host.ask(model, "chat", chat("x", 4, false)).status, HEARTH_OK);
    EXPECT_EQ(host.ask(model, "embed", {{"input", std::string(3000, 'q')}}).status, HEARTH_E_CONTEXT);
}

TEST_F(LlamaBackend, CountsTokensAndRendersTheTemplate) {
    load_tiny();
    EXPECT_EQ(host.ask(model, "tokenize", {{"content", "ba"}}).last()["tokens"].size(), 1u);
    const Answer rendered = host.ask(model, "template", chat("hi", 1, false));
    EXPECT_EQ(rendered.last()["prompt"], "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
}

TEST_F(LlamaBackend, CountsWhatAChatReads) {
    load_tiny();
    const Answer counted = host.ask(model, "count", chat("hello there", 1, false));
    EXPECT_EQ(
        counted.last(),
        (json{{"tokens",
               host.ask(model, "chat", chat("hello there", 1, false)).last()["usage"]["prompt_tokens"]}}));
    json body = chat("hello there", 2, true);
    body["return_progress"] = true;
    const Answer streamed = host.ask(model, "chat", body);
    EXPECT_EQ(json::parse(streamed.events.front())["prompt_progress"]["total"], counted.last()["tokens"]);
}

TEST_F(LlamaBackend, SaysWhichStopEndedAChatAndNothingElseOfIt) {
    load_tiny();
    json body = chat("hello", 24, false);
    const std::string text = host.ask(model, "chat", body).last()["choices"][0]["message"]["content"];
    ASSERT_GT(text.size(), 8u);
    const std::string stop = text.substr(text.size() / 2, 3);
    body["stop"] = {"never said", stop};
    for (const bool stream : {false, true}) {
        body["stream"] = stream;
        const Answer answer = host.ask(model, "chat", body);
        EXPECT_EQ(answer.last()["choices"][0]["stop_reason"], stop);
        for (const std::string& event : answer.events) {
            EXPECT_THAT(event, Not(HasSubstr("__verbose")));
        }
    }
    body["stop"] = {"never said"};
    EXPECT_FALSE(host.ask(model, "chat", body).last()["choices"][0].contains("stop_reason"));
}

TEST_F(LlamaBackend, NeverShowsWhereTheModelLies) {
    std::string all;
    ASSERT_EQ(load(tiny_split).status, HEARTH_OK);
    all += host.info(model).events.front();
    all += host.ask(model, "complete", {{"prompt", "x"}, {"n_predict", 2}}).events.front();
    unload();
    all += load({tiny_split[0], tiny_split[1]}).message;
    EXPECT_THAT(all + host.logs(), Not(HasSubstr("/proc/")));
    EXPECT_THAT(all + host.logs(), Not(HasSubstr("-of-0000")));
}

} // namespace
} // namespace hearth::test
