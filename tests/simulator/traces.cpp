#include "tests/simulator/traces.hpp"

#include "tests/simulator/clients.hpp"
#include "tests/simulator/hardware.hpp"

#include <array>
#include <cmath>
#include <fmt/format.h>

namespace hearth::simulator {
namespace {

using namespace std::chrono_literals;

constexpr auto for_ever = std::chrono::nanoseconds(-1);

/// Chat over one's own documents, their index, and a coding agent: the coder does not fit beside the chat model, the
/// embeddings fit beside either.
Trace chat_rag_coder(std::uint64_t seed) {
    Dice dice(seed);
    Trace trace{.name = "chat_rag_coder", .limit = {{"gpu0", vram_12gb}}, .models = {}, .clients = {}};
    trace.models = {model_on(card_12gb, "llama3.1:8b", 5.6), model_on(card_12gb, "nomic-embed-text", 0.7),
                    model_on(card_12gb, "qwen2.5-coder:14b", 9.4)};
    const Person reader{.app = "chat",
                        .model = "llama3.1:8b",
                        .messages = 35,
                        .prompt_low = 800,
                        .prompt_high = 2000,
                        .embedding = "nomic-embed-text"};
    const Agent coder{.app = "coder",
                      .model = "qwen2.5-coder:14b",
                      .tasks = 14,
                      .steps_low = 15,
                      .steps_high = 40,
                      .rest_low = 30,
                      .rest_high = 120,
                      .starts_high = 60};
    const Indexer indexer{.app = "index", .model = "nomic-embed-text", .bursts = 80};
    trace.clients = {make(reader, dice), make(coder, dice), make(indexer, dice)};
    return trace;
}

/// Two coding agents on two models of which one fits: both work in tasks, with short pauses between them.
Trace two_agents(std::uint64_t seed) {
    Dice dice(seed);
    Trace trace{.name = "two_agents", .limit = {{"gpu0", vram_8gb}}, .models = {}, .clients = {}};
    trace.models = {model_on(card_8gb, "qwen2.5-coder:7b", 5.2), model_on(card_8gb, "llama3.1:8b", 5.6)};
    const Agent first{
        .app = "first", .model = "qwen2.5-coder:7b", .tasks = 14, .rest_low = 5, .rest_high = 20};
    Agent second = first;
    second.app = "second";
    second.model = "llama3.1:8b";
    trace.clients = {make(first, dice), make(second, dice)};
    return trace;
}

/// A program tags documents all the time, a person chats with another model; one of the two fits.
Trace batch_beside_person(std::uint64_t seed) {
    Dice dice(seed);
    Trace trace{.name = "batch_beside_person", .limit = {{"gpu0", vram_8gb}}, .models = {}, .clients = {}};
    trace.models = {model_on(card_8gb, "llama3.1:8b", 5.6), model_on(card_8gb, "qwen2.5:7b", 5.2)};
    const Person person{
        .app = "person", .model = "llama3.1:8b", .messages = 25, .think_low = 45, .think_high = 120};
    const Batch batch{.app = "batch", .model = "qwen2.5:7b", .documents = 1500};
    trace.clients = {make(person, dice), make(batch, dice)};
    return trace;
}

/// Something happens (mail comes, a build ends) and a dozen programs ask four models at the same moment; two or three
/// of the models fit. Nobody waits for anybody.
Trace bursts(std::uint64_t seed) {
    Dice dice(seed);
    Trace trace{.name = "bursts", .limit = {{"gpu0", vram_8gb}}, .models = {}, .clients = {}};
    trace.models = {model_on(card_8gb, "gemma3:4b", 4.4), model_on(card_8gb, "llama3.1:8b", 5.6),
                    model_on(card_8gb, "llama3.2:3b", 3.3), model_on(card_8gb, "qwen2.5:1.5b", 2.2)};
    double at = 0;
    for (int event = 0; event < 30; ++event) {
        at += dice.between(60, 180);
        const int asks = dice.whole(8, 24);
        for (int ask = 0; ask < asks; ++ask) {
            const std::string& model = trace.models[static_cast<std::size_t>(dice.whole(0, 3))].name;
            trace.clients.push_back({.app = fmt::format("hook {}", ask % 12),
                                     .steps = {{Seconds(at + dice.between(0, 1)),
                                                {{model, dice.whole(100, 400), dice.whole(20, 60)}}}}});
        }
    }
    return trace;
}

/// Two small models are kept for ever by their apps (a house's voice assistant and a notes index); two people use two
/// other ones. Beside the pinned ones only one of the two fits; without them both would, with every second seed.
Trace pins(std::uint64_t seed) {
    Dice dice(seed);
    Trace trace{.name = "pins", .limit = {{"gpu0", vram_8gb}}, .models = {}, .clients = {}};
    const PretendedModel other =
        seed % 2 == 0 ? model_on(card_8gb, "gemma3:4b", 4.4) : model_on(card_8gb, "qwen2.5:3b", 2.1);
    trace.models = {other, model_on(card_8gb, "llama3.2:1b", 1.6),
                    model_on(card_8gb, "nomic-embed-text", 0.5), model_on(card_8gb, "qwen2.5:7b", 5.2)};
    const Person voice{.app = "house",
                       .model = "llama3.2:1b",
                       .messages = 60,
                       .think_low = 20,
                       .think_high = 120,
                       .extra_asks = 0,
                       .prompt_low = 20,
                       .prompt_high = 60,
                       .answer_low = 8,
                       .answer_high = 25,
                       .keep_alive = for_ever};
    const Indexer notes{.app = "notes",
                        .model = "nomic-embed-text",
                        .bursts = 80,
                        .pause_low = 20,
                        .pause_high = 90,
                        .pieces_low = 1,
                        .pieces_high = 4,
                        .keep_alive = for_ever};
    Person first{.app = "first", .model = "qwen2.5:7b", .messages = 35, .think_low = 40, .think_high = 140};
    Person second = first;
    second.app = "second";
    second.model = other.name;
    trace.clients = {make(voice, dice), make(notes, dice), make(first, dice), make(second, dice)};
    return trace;
}

/// Sixteen small models, each of its own app, some asked for often and most seldom; about half of them fit.
Trace small_models(std::uint64_t seed) {
    Dice dice(seed);
    Trace trace{.name = "small_models", .limit = {{"cpu", ram_16gb}}, .models = {}, .clients = {}};
    for (int model = 0; model < 16; ++model) {
        const int letter = dice.whole(0, 25);
        trace.models.push_back(model_on(notebook, fmt::format("{}{}", static_cast<char>('a' + letter), model),
                                        dice.between(0.4, 2.6)));
        Client app{.app = fmt::format("app {}", model), .steps = {}};
        const double every = 20.0 * std::pow(model + 1, 0.9); // seconds between asks, on average
        const int asks = static_cast<int>(3600 / every);
        for (int ask = 0; ask < asks; ++ask) {
            const Seconds pause(-std::log(1 - dice.fraction()) * every);
            app.steps.push_back(
                {pause, {{trace.models.back().name, dice.whole(20, 100), dice.whole(5, 25)}}});
        }
        trace.clients.push_back(std::move(app));
    }
    return trace;
}

/// Apps that tell how long to keep their models: one nothing, one a few seconds, one an hour, one a day, two nothing
/// said. Which app says what is drawn: some know how soon they come back, others do not.
Trace keep_alives(std::uint64_t seed) {
    Dice dice(seed);
    Trace trace{.name = "keep_alives", .limit = {{"cpu", ram_16gb}}, .models = {}, .clients = {}};
    trace.models = {model_on(notebook, "gemma3:1b", 1.2),  model_on(notebook, "llama3.2:3b", 3.0),
                    model_on(notebook, "mistral:7b", 4.6), model_on(notebook, "phi4-mini", 3.6),
                    model_on(notebook, "qwen2.5:7b", 5.4), model_on(notebook, "smollm2", 1.4)};
    std::vector<std::optional<std::chrono::nanoseconds>> said{0ns, 30s, 1h, 24h, std::nullopt, std::nullopt};
    const auto person = [&](const char* app, const char* model, double think) {
        const int drawn = dice.whole(0, static_cast<int>(said.size()) - 1);
        const Person who{.app = app,
                         .model = model,
                         .messages = 30,
                         .think_low = think / 2,
                         .think_high = think * 1.5,
                         .extra_asks = 0,
                         .answer_low = 20,
                         .answer_high = 60,
                         .keep_alive = said[static_cast<std::size_t>(drawn)]};
        said.erase(said.begin() + drawn);
        trace.clients.push_back(make(who, dice));
    };
    person("script", "smollm2", 60);
    person("editor", "llama3.2:3b", 40);
    person("archive", "qwen2.5:7b", 150);
    person("house", "gemma3:1b", 45);
    person("chat", "phi4-mini", 70);
    person("mail", "mistral:7b", 110);
    return trace;
}

/// A card and RAM: chat and coding models on the card, embeddings in RAM, and a large model that needs most of both.
Trace two_devices(std::uint64_t seed) {
    Dice dice(seed);
    Trace trace{
        .name = "two_devices", .limit = {{"cpu", ram_16gb}, {"gpu0", vram_8gb}}, .models = {}, .clients = {}};
    trace.models = {split_model(card_8gb, "gpt-oss:20b", 6.8, 7.2), model_on(card_8gb, "llama3.1:8b", 5.6),
                    model_on(notebook, "nomic-embed-text", 0.6), model_on(notebook, "phi4-mini", 3.6),
                    model_on(card_8gb, "qwen2.5-coder:1.5b", 1.7)};
    const Person chat{.app = "chat", .model = "llama3.1:8b", .messages = 40, .embedding = "nomic-embed-text"};
    const Agent completion{.app = "editor",
                           .model = "qwen2.5-coder:1.5b",
                           .tasks = 25,
                           .steps_low = 8,
                           .steps_high = 25,
                           .rest_low = 20,
                           .rest_high = 90,
                           .answer_low = 10,
                           .answer_high = 30,
                           .starts_high = 30};
    const Person thinker{
        .app = "thinker", .model = "gpt-oss:20b", .messages = 10, .think_low = 120, .think_high = 360};
    const Person notes{.app = "notes",
                       .model = "phi4-mini",
                       .messages = 25,
                       .think_low = 40,
                       .think_high = 160,
                       .extra_asks = 0,
                       .answer_low = 20,
                       .answer_high = 60};
    trace.clients = {make(chat, dice), make(completion, dice), make(thinker, dice), make(notes, dice)};
    return trace;
}

/// Six people on three chat models; two of the models fit.
Trace office(std::uint64_t seed) {
    Dice dice(seed);
    Trace trace{.name = "office", .limit = {{"gpu0", vram_12gb}}, .models = {}, .clients = {}};
    trace.models = {model_on(card_12gb, "gemma3:4b", 4.4), model_on(card_12gb, "llama3.1:8b", 5.6),
                    model_on(card_12gb, "mistral:7b", 5.2)};
    for (int person = 0; person < 6; ++person) {
        const Person who{.app = fmt::format("person {}", person),
                         .model = trace.models[static_cast<std::size_t>(person) % 3].name,
                         .messages = 25};
        trace.clients.push_back(make(who, dice));
    }
    return trace;
}

/// Two agents whose steps are long, on a notebook without a card: here a reload is short beside an answer.
Trace slow_agents(std::uint64_t seed) {
    Dice dice(seed);
    Trace trace{.name = "slow_agents", .limit = {{"cpu", ram_16gb}}, .models = {}, .clients = {}};
    trace.models = {model_on(notebook, "llama3.1:8b", 6.2), model_on(notebook, "qwen2.5-coder:7b", 5.8)};
    const Agent first{.app = "first", .model = "llama3.1:8b", .tasks = 3, .rest_low = 5, .rest_high = 20};
    const Agent second{
        .app = "second", .model = "qwen2.5-coder:7b", .tasks = 3, .rest_low = 5, .rest_high = 20};
    trace.clients = {make(first, dice), make(second, dice)};
    return trace;
}

constexpr std::array catalogue{
    TraceKind{"chat_rag_coder", "chat over documents, their index and a coding agent on a 12 GB card",
              Expectation::better, chat_rag_coder},
    TraceKind{"two_agents", "two coding agents on two models, one fits an 8 GB card", Expectation::better,
              two_agents},
    TraceKind{"batch_beside_person", "a batch job beside a person who chats, one model fits an 8 GB card",
              Expectation::better, batch_beside_person},
    TraceKind{"bursts", "a dozen programs ask four models at the same moment", Expectation::no_worse, bursts},
    TraceKind{"pins", "two small models kept for ever, two people on two others, one fits beside them",
              Expectation::no_worse, pins},
    TraceKind{"small_models", "sixteen small models, about half of them fit", Expectation::no_worse,
              small_models},
    TraceKind{"keep_alives", "six apps, keep-alives from nothing to a day, drawn", Expectation::no_worse,
              keep_alives},
    TraceKind{"two_devices", "a card and RAM, one model needs most of both", Expectation::no_worse,
              two_devices},
    TraceKind{"office", "six people on three models, two fit", Expectation::no_worse, office},
    TraceKind{"slow_agents", "two agents with long answers on a notebook", Expectation::no_worse,
              slow_agents},
};

} // namespace

std::span<const TraceKind> traces() {
    return catalogue;
}

} // namespace hearth::simulator
