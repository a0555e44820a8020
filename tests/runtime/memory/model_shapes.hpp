#pragma once

#include "registry/model_shape.hpp"

#include <cstdint>
#include <vector>

/// Shapes of published models for tests, written by hand: no header, no reader.
namespace hearth::testing {

struct Dimensions {
    const char* architecture = "llama";
    std::uint32_t layers = 0;
    std::uint32_t width = 0;
    std::uint32_t inner = 0; ///< 0: the layers have routed experts alone
    std::uint32_t heads = 0;
    std::uint32_t kv_heads = 0;
    std::uint32_t head = 0;
    std::uint32_t vocabulary = 0;
    std::uint32_t context = 0;
    std::uint64_t layer_bytes = 0;
    std::uint32_t window = 0;
    std::uint32_t period = 0; ///< every n-th layer sees everything
};

inline registry::ModelShape model_shape(const Dimensions& model) {
    registry::ModelShape shape;
    shape.architecture = model.architecture;
    shape.closed_form = true;
    shape.embedding_length = model.width;
    shape.vocabulary = model.vocabulary;
    shape.context_trained = model.context;
    shape.key_length = shape.value_length = model.head;
    shape.sliding_window = model.window;
    for (std::uint32_t i = 0; i < model.layers; ++i)
        shape.layers.push_back({.heads = model.heads,
                                .kv_heads = model.kv_heads,
                                .key_row = model.kv_heads * model.head,
                                .value_row = model.kv_heads * model.head,
                                .feed_forward = model.inner,
                                .sliding = model.period != 0 && i % model.period != model.period - 1,
                                .dense_bytes = model.layer_bytes});
    return shape;
}

inline registry::ModelShape llama_1b() {
    return model_shape({.layers = 16,
                        .width = 2048,
                        .inner = 8192,
                        .heads = 32,
                        .kv_heads = 8,
                        .head = 64,
                        .vocabulary = 128256,
                        .context = 131072,
                        .layer_bytes = 40 << 20});
}

inline registry::ModelShape gemma_12b() {
    return model_shape({.architecture = "gemma3",
                        .layers = 48,
                        .width = 3840,
                        .inner = 15360,
                        .heads = 16,
                        .kv_heads = 8,
                        .head = 256,
                        .vocabulary = 262208,
                        .context = 131072,
                        .layer_bytes = 128 << 20,
                        .window = 1024,
                        .period = 6});
}

} // namespace hearth::testing
