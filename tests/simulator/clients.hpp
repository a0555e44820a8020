#pragma once

#include "tests/simulator/dice.hpp"
#include "tests/simulator/trace.hpp"

#include <string>

/// Who uses the models: what each does in which rhythm.
namespace hearth::simulator {

/// A person in a chat window: reads and types, asks; after each answer the window itself asks the same model for a
/// title or for questions that may follow, as web front ends do.
struct Person {
    std::string app;
    std::string model;
    int messages = 0;
    double think_low = 30, think_high = 90; ///< seconds
    int extra_asks = 1;                     ///< of the window, after each answer
    int prompt_low = 40, prompt_high = 300;
    int answer_low = 80, answer_high = 250;
    std::string embedding{}; ///< when set: each message is first looked up by this model
    std::optional<std::chrono::nanoseconds> keep_alive{};
};
Client make(const Person& person, Dice& dice);

/// A program that works in steps: asks, runs a tool for a moment, asks again, rests after a task.
struct Agent {
    std::string app;
    std::string model;
    int tasks = 1;
    int steps_low = 20, steps_high = 40; ///< of a task
    double rest_low = 0, rest_high = 0;  ///< seconds between tasks
    double tool_low = 0.1, tool_high = 0.7;
    double slow_tools = 0.02; ///< share of tools that take 3 to 8 seconds (a test run)
    int prompt_low = 100, prompt_high = 500;
    int answer_low = 20, answer_high = 70;
    double starts_low = 0, starts_high = 2; ///< seconds before the first step
};
Client make(const Agent& agent, Dice& dice);

/// A program that asks for one thing after another without a pause: documents to be tagged.
struct Batch {
    std::string app;
    std::string model;
    int documents = 0;
    int prompt_low = 200, prompt_high = 600;
    int answer_low = 15, answer_high = 45;
};
Client make(const Batch& batch, Dice& dice);

/// A watcher that embeds what has changed: many pieces at once, then nothing for a while.
struct Indexer {
    std::string app;
    std::string model;
    int bursts = 0;
    double pause_low = 10, pause_high = 40; ///< seconds
    int pieces_low = 4, pieces_high = 16;
    std::optional<std::chrono::nanoseconds> keep_alive{};
};
Client make(const Indexer& indexer, Dice& dice);

} // namespace hearth::simulator
