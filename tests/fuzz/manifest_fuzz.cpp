#include "base/error.hpp"
#include "registry/blobs/journal.hpp"
#include "registry/manifest.hpp"

#include <cstdlib>

namespace registry = hearth::registry;

/// Also feeds the download journal's reader: both are text from a place that we do not trust.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    registry::parse_journal(bytes);
    try {
        const auto parsed = registry::parse_manifest_or_index(bytes);
        const auto* manifest = std::get_if<registry::Manifest>(&parsed);
        if (manifest == nullptr)
            return 0;
        const auto layers = registry::needed_layers(*manifest);
        const auto again =
            registry::parse_manifest(registry::make_manifest(manifest->config, manifest->layers));
        if (registry::needed_layers(again).size() != layers.size())
            std::abort();
    } catch (const hearth::Error& error) {
        if (error.code() != hearth::ErrorCode::bad_manifest && error.code() != hearth::ErrorCode::unsupported)
            std::abort();
    }
    return 0;
}
