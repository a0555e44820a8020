#include "tests/runtime/memory/known_models.hpp"

#include "tests/runtime/memory/mixture.hpp"

#include <algorithm>

namespace hearth::tests {

const KnownModel llama_3_2_1b{.architecture = "llama",
                              .layers = 16,
                              .width = 2048,
                              .vocabulary = 128256,
                              .heads = 32,
                              .kv_heads = 8,
                              .head_length = 64,
                              .feed_forward = 8192,
                              .tied_output = true};
const KnownModel llama_3_1_8b{.architecture = "llama",
                              .layers = 32,
                              .width = 4096,
                              .vocabulary = 128256,
                              .heads = 32,
                              .kv_heads = 8,
                              .head_length = 128,
                              .feed_forward = 14336};
const KnownModel llama_3_3_70b{.architecture = "llama",
                               .layers = 80,
                               .width = 8192,
                               .vocabulary = 128256,
                               .heads = 64,
                               .kv_heads = 8,
                               .head_length = 128,
                               .feed_forward = 28672,
                               .is_70b = true};
const KnownModel qwen3_8b{.architecture = "qwen3",
                          .layers = 36,
                          .width = 4096,
                          .vocabulary = 151936,
                          .heads = 32,
                          .kv_heads = 8,
                          .head_length = 128,
                          .feed_forward = 12288,
                          .context_trained = 40960,
                          .extra_f32 = 256};
const KnownModel qwen3_30b_a3b{.architecture = "qwen3moe",
                               .layers = 48,
                               .width = 2048,
                               .vocabulary = 151936,
                               .heads = 32,
                               .kv_heads = 4,
                               .head_length = 128,
                               .feed_forward = 768,
                               .experts = 128,
                               .experts_used = 8,
                               .context_trained = 40960,
                               .extra_f32 = 256};
const KnownModel gemma_3_12b{.architecture = "gemma3",
                             .layers = 48,
                             .width = 3840,
                             .vocabulary = 262208,
                             .heads = 16,
                             .kv_heads = 8,
                             .head_length = 256,
                             .feed_forward = 15360,
                             .sliding_window = 1024,
                             .full_layer_period = 6,
                             .tied_output = true,
                             .norms_per_layer = 4,
                             .extra_f32 = 512};
const KnownModel gpt_oss_20b{.architecture = "gpt-oss",
                             .layers = 24,
                             .width = 2880,
                             .vocabulary = 201088,
                             .heads = 64,
                             .kv_heads = 8,
                             .head_length = 64,
                             .feed_forward = 2880,
                             .experts = 32,
                             .experts_used = 4,
                             .sliding_window = 128,
                             .full_layer_period = 2,
                             .extra_f32 = 4096 + 2 * 512 + 2880 + 64 + 32 + 3 * 32 * 2880};
const KnownModel gpt_oss_20b_small_vocabulary = [] {
    KnownModel model = gpt_oss_20b;
    model.vocabulary = 128256;
    return model;
}();

namespace {

using registry::LayerShape;
using registry::ModelShape;

/// Adds matrices to a shape, type by type.
class Weights {
  public:
    Weights(const KnownModel& model, const std::string& quant, ModelShape& shape)
        : model_(model), quant_(quant), shape_(shape) {}

    std::uint64_t matrix(Role role, std::uint64_t row, std::uint64_t rows, int layer, bool expert = false) {
        const Matrix matrix{.role = role, .row = row, .rows = rows, .layer = layer, .expert = expert};
        const MixtureModel mixture{.layers = model_.layers,
                                   .query_groups = static_cast<int>(model_.heads / model_.kv_heads),
                                   .is_70b = model_.is_70b};
        const std::string type = mixture_type(quant_, matrix, mixture);
        return add(type, matrix_bytes(type, matrix), row * rows);
    }
    std::uint64_t floats(std::uint64_t elements) { return add("F32", elements * 4, elements); }

  private:
    std::uint64_t add(const std::string& type, std::uint64_t bytes, std::uint64_t elements) {
        auto found = std::ranges::find(shape_.types, type, &registry::TypeBytes::type);
        if (found == shape_.types.end()) {
            found = shape_.types.insert(found, {.type = type});
        }
        found->bytes += bytes;
        found->elements += elements;
        shape_.parameters += elements;
        return bytes;
    }

    const KnownModel& model_;
    const std::string& quant_;
    ModelShape& shape_;
};

LayerShape layer_of(const KnownModel& model, int index, Weights& weights) {
    LayerShape layer;
    layer.heads = model.heads;
    layer.kv_heads = model.kv_heads;
    layer.key_row = layer.value_row = model.kv_heads * model.head_length;
    layer.sliding =
        model.full_layer_period > 1 && index % model.full_layer_period != model.full_layer_period - 1;
    const std::uint64_t query = std::uint64_t{model.heads} * model.head_length;
    layer.dense_bytes = weights.floats(model.norms_per_layer * model.width + model.extra_f32) +
                        weights.matrix(Role::attention_q, model.width, query, index) +
                        weights.matrix(Role::attention_k, model.width, layer.key_row, index) +
                        weights.matrix(Role::attention_v, model.width, layer.value_row, index) +
                        weights.matrix(Role::attention_out, query, model.width, index);
    const std::uint64_t copies = std::max<std::uint64_t>(model.experts, 1);
    const bool is_expert = model.experts > 0;
    const std::uint64_t network =
        weights.matrix(Role::gate, model.width, model.feed_forward * copies, index, is_expert) +
        weights.matrix(Role::up, model.width, model.feed_forward * copies, index, is_expert) +
        weights.matrix(Role::down, model.feed_forward, model.width * copies, index, is_expert);
    if (is_expert) {
        layer.expert_bytes = network;
        layer.dense_bytes += weights.floats(std::uint64_t{model.width} * model.experts);
    } else {
        layer.feed_forward = model.feed_forward;
        layer.dense_bytes += network;
    }
    return layer;
}

} // namespace

ModelShape shape_of(const KnownModel& model, const std::string& quant) {
    ModelShape shape;
    shape.architecture = model.architecture;
    shape.quantization = quant;
    shape.embedding_length = model.width;
    shape.vocabulary = model.vocabulary;
    shape.context_trained = model.context_trained;
    shape.sliding_window = model.sliding_window;
    shape.experts = model.experts;
    shape.experts_used = model.experts_used;
    shape.expert_feed_forward = model.experts > 0 ? model.feed_forward : 0;
    shape.key_length = shape.value_length = model.head_length;
    shape.tied_output = model.tied_output;
    shape.closed_form = true;
    Weights weights(model, quant, shape);
    for (int i = 0; i < model.layers; ++i) {
        shape.layers.push_back(layer_of(model, i, weights));
    }
    shape.input_bytes =
        weights.matrix(model.tied_output ? Role::output : Role::input, model.width, model.vocabulary, 0);
    shape.token_embedding_bytes = shape.input_bytes;
    if (!model.tied_output) {
        shape.output_bytes = weights.matrix(Role::output, model.width, model.vocabulary, 0);
    }
    shape.other_bytes = weights.floats(model.width);
    shape.file_bytes = shape.weight_bytes();
    std::ranges::sort(shape.types, std::greater(), &registry::TypeBytes::bytes);
    return shape;
}

runtime::memory::Candidate candidate_of(const KnownModel& model, const std::string& quant) {
    runtime::memory::Candidate candidate;
    candidate.quant = quant;
    candidate.shape = shape_of(model, quant);
    candidate.download_bytes = candidate.shape.file_bytes;
    return candidate;
}

std::vector<runtime::memory::Candidate> published(const KnownModel& model) {
    std::vector<runtime::memory::Candidate> list;
    for (const char* quant : {"F16", "Q8_0", "Q6_K", "Q5_K_M", "Q5_K_S", "Q4_K_M", "Q4_K_S", "IQ4_XS", "Q4_0",
                              "Q3_K_L", "Q3_K_M", "IQ3_M", "Q3_K_S", "IQ2_M", "Q2_K"}) {
        list.push_back(candidate_of(model, quant));
    }
    return list;
}

} // namespace hearth::tests
