#include "tests/simulator/clients.hpp"

namespace hearth::simulator {

Client make(const Person& person, Dice& dice) {
    Client client{.app = person.app, .steps = {}};
    for (int message = 0; message < person.messages; ++message) {
        Seconds pause = dice.pause(person.think_low, person.think_high);
        if (message == 0)
            pause *= dice.fraction(); // not all begin at once
        if (!person.embedding.empty()) {
            const Ask lookup{person.embedding, dice.whole(10, 60), 0, person.keep_alive};
            client.steps.push_back({pause, {lookup}});
            pause = Seconds(0.05);
        }
        const Ask ask{person.model, dice.whole(person.prompt_low, person.prompt_high),
                      dice.whole(person.answer_low, person.answer_high), person.keep_alive};
        client.steps.push_back({pause, {ask}});
        for (int extra = 0; extra < person.extra_asks; ++extra) {
            const Ask of_the_window{person.model, dice.whole(100, 200), dice.whole(10, 35),
                                    person.keep_alive};
            client.steps.push_back({dice.pause(0.05, 0.3), {of_the_window}});
        }
    }
    return client;
}

Client make(const Agent& agent, Dice& dice) {
    Client client{.app = agent.app, .steps = {}};
    Seconds pause = dice.pause(agent.starts_low, agent.starts_high);
    for (int task = 0; task < agent.tasks; ++task) {
        const int steps = dice.whole(agent.steps_low, agent.steps_high);
        for (int step = 0; step < steps; ++step) {
            const Ask ask{agent.model, dice.whole(agent.prompt_low, agent.prompt_high),
                          dice.whole(agent.answer_low, agent.answer_high)};
            client.steps.push_back({pause, {ask}});
            pause = dice.chance(agent.slow_tools) ? dice.pause(3, 8)
                                                  : dice.pause(agent.tool_low, agent.tool_high);
        }
        pause = dice.pause(agent.rest_low, agent.rest_high);
    }
    return client;
}

Client make(const Batch& batch, Dice& dice) {
    Client client{.app = batch.app, .steps = {}};
    for (int document = 0; document < batch.documents; ++document) {
        const Ask ask{batch.model, dice.whole(batch.prompt_low, batch.prompt_high),
                      dice.whole(batch.answer_low, batch.answer_high)};
        client.steps.push_back({dice.pause(0.005, 0.03), {ask}});
    }
    return client;
}

Client make(const Indexer& indexer, Dice& dice) {
    Client client{.app = indexer.app, .steps = {}};
    for (int burst = 0; burst < indexer.bursts; ++burst) {
        Step step{.pause = dice.pause(indexer.pause_low, indexer.pause_high), .asks = {}};
        const int pieces = dice.whole(indexer.pieces_low, indexer.pieces_high);
        for (int piece = 0; piece < pieces; ++piece)
            step.asks.push_back({indexer.model, dice.whole(150, 350), 0, indexer.keep_alive});
        client.steps.push_back(std::move(step));
    }
    return client;
}

} // namespace hearth::simulator
