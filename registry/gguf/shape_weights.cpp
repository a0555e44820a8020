#include "registry/gguf/shape_weights.hpp"

#include "base/error.hpp"
#include "registry/gguf/types.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <string_view>

namespace hearth::registry::gguf {
namespace {

constexpr std::uint64_t tensor_alignment = 32; // of host buffers

constexpr auto input_tensors = std::to_array<std::string_view>(
    {"token_embd.weight", "position_embd.weight", "token_types.weight", "per_layer_token_embd.weight"});
constexpr auto output_tensors = std::to_array<std::string_view>({"output.weight", "output.bias"});

bool is_one_of(std::string_view name, const auto& names) {
    return std::ranges::find(names, name) != names.end();
}

/// "blk.17.ffn_up.weight" is layer 17, "ffn_up.weight".
struct LayerTensor {
    std::size_t layer = 0;
    std::string_view name;
};

std::optional<LayerTensor> try_layer_tensor(std::string_view name) {
    constexpr std::string_view prefix = "blk.";
    if (!name.starts_with(prefix))
        return std::nullopt;
    LayerTensor tensor;
    const char* const end = name.data() + name.size();
    const auto [at, error] = std::from_chars(name.data() + prefix.size(), end, tensor.layer);
    if (error != std::errc() || at == end || *at != '.')
        return std::nullopt;
    tensor.name = {at + 1, static_cast<std::size_t>(end - at - 1)};
    return tensor;
}

/// The routed experts' matrices: "ffn_up_exps.weight", "ffn_gate_up_exps.weight", "ffn_down_chexps.weight".
bool is_expert(std::string_view name) {
    return name.starts_with("ffn_") && name.contains("exps.");
}

void add_layer_tensor(const TensorInfo& tensor, const LayerTensor& place, std::uint64_t bytes,
                      ModelShape& shape) {
    if (place.layer >= shape.layers.size())
        throw Error(ErrorCode::model_invalid, fmt::format("bad GGUF: tensor '{}' in a model of {} layers",
                                                          tensor.name, shape.layers.size()));
    LayerShape& layer = shape.layers[place.layer];
    const auto width = static_cast<std::uint32_t>(std::min<std::uint64_t>(tensor.dims[0], UINT32_MAX));
    if (is_expert(place.name)) {
        layer.expert_bytes += bytes;
        if (place.name.starts_with("ffn_down_"))
            shape.expert_feed_forward = std::max(shape.expert_feed_forward, width);
        return;
    }
    layer.dense_bytes += bytes;
    if (place.name == "ffn_down.weight" || place.name == "ffn_down_shexp.weight")
        layer.feed_forward = std::max(layer.feed_forward, width);
}

void add_type(const TensorInfo& tensor, ModelShape& shape) {
    auto found = std::ranges::find(shape.types, tensor.type->name, &TypeBytes::type);
    if (found == shape.types.end())
        found = shape.types.insert(found, {.type = std::string(tensor.type->name)});
    found->bytes += tensor.bytes;
    found->elements += tensor.elements;
}

} // namespace

void add_weights(const Header& header, ModelShape& shape) {
    for (const TensorInfo& tensor : header.tensors) {
        // Sums cannot overflow: all tensors lie in one file whose size is a 63-bit number.
        const std::uint64_t bytes = (tensor.bytes + tensor_alignment - 1) & ~(tensor_alignment - 1);
        if (const auto place = try_layer_tensor(tensor.name))
            add_layer_tensor(tensor, *place, bytes, shape);
        else if (is_one_of(tensor.name, input_tensors))
            shape.input_bytes += bytes;
        else if (is_one_of(tensor.name, output_tensors))
            shape.output_bytes += bytes;
        else
            shape.other_bytes += bytes;
        if (tensor.name == "token_embd.weight")
            shape.token_embedding_bytes = bytes;
        shape.parameters += tensor.elements;
        add_type(tensor, shape);
    }
}

void finish_weights(ModelShape& shape) {
    std::ranges::sort(shape.types, [](const TypeBytes& a, const TypeBytes& b) {
        return a.bytes != b.bytes ? a.bytes > b.bytes : a.type < b.type;
    });
    shape.tied_output = shape.output_bytes == 0 && shape.causal;
}

} // namespace hearth::registry::gguf
