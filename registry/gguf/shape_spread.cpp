#include "registry/gguf/shape_spread.hpp"

#include "registry/gguf/model_keys.hpp"
#include "registry/gguf/shape.hpp"

namespace hearth::registry::gguf {
namespace {

/// A gated network has three matrices; the few models with two are told apart by nothing in the keys.
constexpr std::uint64_t matrices_of_network = 3;

/// Elements of a layer without routed experts: attention and the dense network.
std::uint64_t dense_elements(const ModelShape& shape, const LayerShape& layer) {
    const std::uint64_t width = shape.embedding_length;
    const std::uint64_t queries = std::uint64_t{layer.heads} * shape.key_length;
    const std::uint64_t attention = layer.kv_heads == 0 && layer.state_bytes > 0
                                        ? 3 * width // a mixer in place of attention
                                        : 2 * queries + layer.key_row + layer.value_row;
    return width * (attention + matrices_of_network * layer.feed_forward);
}

} // namespace

ModelShape spread_shape(const Header& header, const std::string& quantization, std::uint64_t file_bytes) {
    ModelShape shape = read_keys(header);
    const ModelKeys keys(header);
    const auto networks = keys.per_layer("feed_forward_length", 0);
    const std::uint32_t dense_layers = keys.number("leading_dense_block_count", 0);
    shape.expert_feed_forward =
        keys.number("expert_feed_forward_length", shape.experts > 0 ? networks[0] : 0);

    // Used as bytes here, one for each element; the scale below makes them the file's.
    shape.parameters = 0;
    for (std::size_t i = 0; i < shape.layers.size(); ++i) {
        LayerShape& layer = shape.layers[i];
        const bool routed = shape.experts > 0 && i >= dense_layers;
        layer.feed_forward = routed ? keys.number("expert_shared_feed_forward_length", 0) : networks[i];
        layer.dense_bytes = dense_elements(shape, layer);
        layer.expert_bytes = routed ? matrices_of_network * shape.experts * shape.embedding_length *
                                          std::uint64_t{shape.expert_feed_forward}
                                    : 0;
        shape.parameters += layer.dense_bytes + layer.expert_bytes;
    }
    shape.input_bytes = shape.token_embedding_bytes =
        std::uint64_t{shape.vocabulary} * shape.embedding_length;
    shape.parameters += shape.input_bytes;
    // Whether the output is a matrix of its own stands among the tensors; small models share it.
    shape.tied_output = shape.causal && shape.input_bytes * 6 > shape.parameters;
    shape.output_bytes = shape.causal && !shape.tied_output ? shape.input_bytes : 0;
    shape.parameters += shape.output_bytes;
    shape.other_bytes = 0;
    shape.file_bytes = shape.weight_bytes();
    return scale_shape(shape, quantization.empty() ? shape.quantization : quantization, file_bytes);
}

} // namespace hearth::registry::gguf
