#include "base/error.hpp"
#include "registry/gguf/shape.hpp"

#include <fmt/format.h>

namespace hearth::registry::gguf {
namespace {

std::uint64_t vision_number(const Header& header, const char* key, std::int64_t highest) {
    const std::string name = fmt::format("clip.vision.{}", key);
    const std::int64_t value = header.integer(name).value_or(0);
    if (value < 0 || value > highest)
        throw Error(ErrorCode::model_invalid,
                    fmt::format("bad GGUF: '{}' is {}, not 0 to {}", name, value, highest));
    return static_cast<std::uint64_t>(value);
}

/// The widest point of an image encoder: for each patch its network and three rows. From the engine's dry run
/// (llama.cpp 0.5.0, tools/mtmd) of a Gemma 3 projector; other projectors take images of any size.
std::uint64_t encoder_bytes(const Header& header) {
    if (header.text("clip.projector_type").value_or("") != "gemma3")
        return 0;
    constexpr std::int64_t widest = 1 << 16;
    const std::uint64_t patch = vision_number(header, "patch_size", widest);
    const std::uint64_t side = patch == 0 ? 0 : vision_number(header, "image_size", widest) / patch;
    const std::uint64_t width = vision_number(header, "embedding_length", widest);
    const std::uint64_t inner = vision_number(header, "feed_forward_length", widest);
    return side * side * (inner + 3 * width) * sizeof(float);
}

} // namespace

SideFileShape read_side_file(const Header& header) {
    SideFileShape side;
    for (const TensorInfo& tensor : header.tensors)
        side.weight_bytes += (tensor.bytes + 31) & ~std::uint64_t{31};
    if (header.text("general.architecture").value_or("") == "clip")
        side.compute_bytes = encoder_bytes(header);
    return side;
}

} // namespace hearth::registry::gguf
