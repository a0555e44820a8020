#include "registry/model_shape.hpp"

namespace hearth::registry {

std::uint64_t ModelShape::weight_bytes() const {
    std::uint64_t bytes = input_bytes + output_bytes + other_bytes;
    for (const LayerShape& layer : layers)
        bytes += layer.dense_bytes + layer.expert_bytes;
    return bytes;
}

} // namespace hearth::registry
