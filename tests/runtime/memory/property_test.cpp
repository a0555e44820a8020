#include "base/error.hpp"
#include "runtime/memory/budget.hpp"
#include "tests/runtime/memory/known_models.hpp"
#include "tests/runtime/memory/pretended.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

// What must hold for every machine and every model, tried on many.
namespace hearth::tests {
namespace {

using namespace runtime::memory;

class Dice {
  public:
    explicit Dice(std::uint32_t seed) : engine_(seed) {}
    std::uint64_t up_to(std::uint64_t most) { return engine_() % (most + 1); }
    std::uint64_t between(std::uint64_t least, std::uint64_t most) { return least + up_to(most - least); }
    bool one_in(std::uint64_t n) { return up_to(n - 1) == 0; }
    template <class T> const T& one_of(const std::vector<T>& list) { return list[up_to(list.size() - 1)]; }

  private:
    std::mt19937 engine_; // the same numbers everywhere
};

Machine any_machine(Dice& dice) {
    const bool measured = !dice.one_in(8);
    const double host_rate = !measured ? 0 : static_cast<double>(dice.between(5, 90)) * 1e9;
    Machine machine = pretended_machine(dice.between(1, 128), dice.between(100, 64000), host_rate,
                                        static_cast<int>(dice.between(1, 32)));
    machine.host.margin_bytes = dice.up_to(2048) * mebibyte;
    for (std::uint64_t i = dice.up_to(3); i > 0; --i) {
        const double rate = !measured ? 0 : static_cast<double>(dice.between(50, 2000)) * 1e9;
        const std::uint64_t total_gib = dice.between(2, 48);
        machine = with_gpu(std::move(machine), total_gib, dice.up_to(total_gib * 1024), rate);
        machine.accelerators.back().unified = dice.one_in(6);
        machine.accelerators.back().fixed_bytes = dice.up_to(500) * mebibyte;
    }
    std::ranges::sort(machine.accelerators, std::greater(), &Device::bandwidth);
    return machine;
}

const std::vector<std::vector<Candidate>>& families() {
    static const std::vector<std::vector<Candidate>> list = [] {
        std::vector<std::vector<Candidate>> made;
        for (const KnownModel* model :
             {&llama_3_2_1b, &llama_3_1_8b, &qwen3_8b, &gemma_3_12b, &qwen3_30b_a3b, &llama_3_3_70b}) {
            made.push_back(published(*model));
        }
        return made;
    }();
    return list;
}

Wishes any_wishes(Dice& dice, const std::vector<Candidate>& candidates, const Machine& machine) {
    Wishes wishes;
    if (dice.one_in(3)) {
        wishes.context = dice.between(1, 200000);
    }
    if (dice.one_in(4)) {
        wishes.parallel = static_cast<int>(dice.between(1, 8));
    }
    if (dice.one_in(4)) {
        wishes.kv_type = dice.one_of(std::vector{CacheType::f16, CacheType::q8_0, CacheType::q4_0});
    }
    if (dice.one_in(6)) {
        wishes.gpu_layers = static_cast<int>(dice.up_to(100));
    }
    if (dice.one_in(4)) {
        wishes.quant = dice.one_of(candidates).quant;
    }
    if (!machine.accelerators.empty() && dice.one_in(6)) {
        wishes.device = machine.accelerators.front().id;
    }
    wishes.preferred_parallel = static_cast<int>(dice.between(1, 4));
    wishes.force = dice.one_in(10);
    return wishes;
}

std::string text_of(const Choice& choice) {
    std::string text = choice.quant + " " + choice.placement + " " + choice.reason;
    for (const DeviceBytes& bytes : choice.memory.devices) {
        text += " " + bytes.id + " " + std::to_string(bytes.total());
    }
    return text;
}

void expect_same(const Plan& one, const Plan& other) {
    EXPECT_EQ(one.pick, other.pick);
    EXPECT_EQ(one.advice, other.advice);
    ASSERT_EQ(one.choices.size(), other.choices.size());
    for (std::size_t i = 0; i < one.choices.size(); ++i) {
        EXPECT_EQ(text_of(one.choices[i]), text_of(other.choices[i]));
    }
    ASSERT_EQ(one.nearest.size(), other.nearest.size());
    for (std::size_t i = 0; i < one.nearest.size(); ++i) {
        EXPECT_EQ(text_of(one.nearest[i]), text_of(other.nearest[i]));
    }
}

/// The rule, written once more and by other means than the planner's own sums.
void expect_within_budgets(const Choice& choice, const Machine& machine) {
    std::uint64_t shared = 0;
    for (const DeviceBytes& bytes : choice.memory.devices) {
        const std::uint64_t needed = bytes.weights + bytes.kv + bytes.state + bytes.compute + bytes.output +
                                     bytes.projector + bytes.draft;
        const Device* device = &machine.host;
        for (const Device& accelerator : machine.accelerators) {
            device = accelerator.id == bytes.id ? &accelerator : device;
        }
        ASSERT_GT(needed, 0u) << "a device that is not used";
        EXPECT_LE(needed + device->margin_bytes + device->fixed_bytes, device->free_bytes) << text_of(choice);
        shared += device == &machine.host || device->unified ? needed : 0;
    }
    EXPECT_LE(shared + machine.host.margin_bytes, machine.host.free_bytes) << text_of(choice);
}

TEST(Plan, IsTheSameForTheSameInputInAnyOrder) {
    Dice dice(1);
    std::mt19937 shuffler(1);
    for (int i = 0; i < 60; ++i) {
        const Machine machine = any_machine(dice);
        std::vector<Candidate> candidates = dice.one_of(families());
        const Wishes wishes = any_wishes(dice, candidates, machine);
        const Plan plan = fit(candidates, wishes, machine);
        expect_same(plan, fit(candidates, wishes, machine));
        std::shuffle(candidates.begin(), candidates.end(), shuffler);
        expect_same(plan, fit(candidates, wishes, machine));
    }
}

TEST(Plan, NeverExceedsABudgetWithWhatItSaysToFit) {
    Dice dice(2);
    int fitting = 0;
    for (int i = 0; i < 150; ++i) {
        const Machine machine = any_machine(dice);
        const std::vector<Candidate>& candidates = dice.one_of(families());
        const Plan plan = fit(candidates, any_wishes(dice, candidates, machine), machine);
        for (const Choice& choice : plan.choices) {
            if (choice.fits) {
                ++fitting;
                expect_within_budgets(choice, machine);
            } else {
                EXPECT_FALSE(choice.reason.empty());
                EXPECT_GT(choice.short_bytes, 0u);
            }
        }
        for (const Choice& choice : plan.nearest) {
            EXPECT_TRUE(choice.fits);
            expect_within_budgets(choice, machine);
        }
    }
    EXPECT_GT(fitting, 300) << "the machines are too small to say anything";
}

double picked_loss(const Plan& plan) {
    return plan.pick ? plan.choices[*plan.pick].quality.kld : 1000;
}

TEST(Plan, NeverHasAWorseQualityWithMoreMemory) {
    Dice dice(3);
    for (int i = 0; i < 60; ++i) {
        Machine machine = any_machine(dice);
        const std::vector<Candidate>& candidates = dice.one_of(families());
        double before = picked_loss(fit(candidates, {}, machine));
        for (int step = 0; step < 6; ++step) {
            machine.host.free_bytes += dice.up_to(4000) * mebibyte;
            for (Device& accelerator : machine.accelerators) {
                accelerator.free_bytes += dice.up_to(4000) * mebibyte;
                accelerator.free_bytes = std::min(accelerator.free_bytes, accelerator.total_bytes);
            }
            const Plan plan = fit(candidates, {}, machine);
            EXPECT_LE(picked_loss(plan), before) << "machine " << i << ", step " << step;
            before = picked_loss(plan);
        }
    }
}

registry::LayerShape any_layer(Dice& dice) {
    registry::LayerShape layer;
    layer.heads = static_cast<std::uint32_t>(dice.up_to(128));
    layer.kv_heads = static_cast<std::uint32_t>(dice.up_to(16));
    layer.key_row = static_cast<std::uint32_t>(dice.up_to(8)) * 64;
    layer.value_row = static_cast<std::uint32_t>(dice.up_to(8)) * 64;
    layer.feed_forward = static_cast<std::uint32_t>(dice.up_to(30000));
    layer.sliding = dice.one_in(3);
    layer.shares_cache = dice.one_in(9);
    layer.prediction = dice.one_in(20);
    layer.state_bytes = dice.one_in(3) ? dice.up_to(1 << 24) : 0;
    layer.dense_bytes = dice.up_to(1 << 28);
    layer.expert_bytes = dice.one_in(3) ? dice.up_to(1 << 30) : 0;
    return layer;
}

/// Not a model of anybody: whatever a strange header may say.
Candidate any_candidate(Dice& dice, const std::string& quant) {
    Candidate candidate;
    candidate.quant = quant;
    registry::ModelShape& shape = candidate.shape;
    shape.architecture = "odd";
    shape.quantization = quant;
    for (std::uint64_t i = dice.up_to(60); i > 0; --i) {
        shape.layers.push_back(any_layer(dice));
    }
    shape.embedding_length = static_cast<std::uint32_t>(dice.up_to(8192));
    shape.vocabulary = static_cast<std::uint32_t>(dice.up_to(300000));
    shape.context_trained = static_cast<std::uint32_t>(dice.one_in(4) ? 0 : dice.up_to(1 << 20));
    shape.sliding_window = static_cast<std::uint32_t>(dice.up_to(4096));
    shape.experts = static_cast<std::uint32_t>(dice.up_to(128));
    shape.experts_used = static_cast<std::uint32_t>(dice.up_to(128));
    shape.causal = !dice.one_in(8);
    shape.embeds = dice.one_in(8);
    shape.tied_output = dice.one_in(2);
    shape.closed_form = !dice.one_in(10);
    shape.input_bytes = dice.up_to(1 << 30);
    shape.output_bytes = shape.tied_output ? 0 : dice.up_to(1 << 30);
    shape.parameters = dice.one_in(10) ? 0 : dice.up_to(80'000'000'000);
    if (!dice.one_in(5)) {
        shape.types.push_back({.type = quant, .bytes = shape.weight_bytes(), .elements = shape.parameters});
    }
    if (dice.one_in(4)) {
        candidate.projector = registry::SideFileShape{dice.up_to(1 << 30), dice.up_to(1 << 28)};
    }
    if (dice.one_in(6)) {
        candidate.draft = registry::SideFileShape{dice.up_to(1 << 30), 0};
    }
    return candidate;
}

TEST(Plan, AnswersEveryShapeOrRefusesItWithATypedError) {
    Dice dice(4);
    int answered = 0;
    for (int i = 0; i < 400; ++i) {
        std::vector<Candidate> candidates;
        for (const char* quant : {"Q8_0", "Q4_K_M", "UD-Q3_K_XL", "IQ2_M", "strange"}) {
            if (!dice.one_in(3)) {
                candidates.push_back(any_candidate(dice, quant));
            }
        }
        const Machine machine = any_machine(dice);
        try {
            const Wishes wishes = candidates.empty() ? Wishes() : any_wishes(dice, candidates, machine);
            const Plan plan = fit(candidates, wishes, machine);
            EXPECT_EQ(plan.choices.size(), candidates.size());
            EXPECT_TRUE(plan.pick || !plan.advice.empty());
            for (const Choice& choice : plan.choices) {
                EXPECT_GE(choice.tokens_per_second, 0);
                EXPECT_FALSE(choice.reason.empty()) << choice.quant;
            }
            ++answered;
        } catch (const Error& error) {
            EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
        }
    }
    EXPECT_GT(answered, 200);
}

} // namespace
} // namespace hearth::tests
