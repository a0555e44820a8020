#include "registry/derived_manifest.hpp"

#include <vector>

namespace hearth::registry {

std::string derive_manifest(std::string_view source, const Layer& weights, const Layer& config) {
    std::vector<Layer> layers = {weights};
    for (const Layer& layer : parse_manifest(source).layers) {
        const LayerKind kind = classify(layer);
        if (kind != LayerKind::weights && kind != LayerKind::other && kind != LayerKind::config)
            layers.push_back(layer);
    }
    return make_manifest(config, layers);
}

} // namespace hearth::registry
