#include "runtime/memory/batch.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace hearth::runtime::memory {
namespace {

constexpr std::uint64_t longest_context = std::uint64_t{1} << 24;
constexpr std::uint64_t largest_pool = INT32_MAX / 2; // of the plugin
constexpr int most_sequences = 256;
constexpr int largest_ubatch = 1 << 16;
constexpr std::uint64_t cell_padding = 256;
/// A text to embed is one batch, of so many tokens.
constexpr std::uint64_t shortest_embedding = 512;
constexpr std::uint64_t longest_embedding = 2048;

std::uint64_t padded(std::uint64_t cells) {
    return (cells + cell_padding - 1) / cell_padding * cell_padding;
}

void check(const EstimateOptions& options) {
    if (options.context < 1 || options.context > longest_context)
        throw Error(ErrorCode::invalid_argument, fmt::format("a context of {} tokens; it must be 1 to {}",
                                                             options.context, longest_context));
    if (options.parallel < 1 || options.parallel > most_sequences)
        throw Error(ErrorCode::invalid_argument, fmt::format("{} sequences at once; it must be 1 to {}",
                                                             options.parallel, most_sequences));
    if (options.ubatch < 1 || options.ubatch > largest_ubatch)
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("{} tokens at once; it must be 1 to {}", options.ubatch, largest_ubatch));
}

} // namespace

Batch make_batch(const registry::ModelShape& shape, const EstimateOptions& options) {
    check(options);
    Batch batch;
    batch.sequences = static_cast<std::uint64_t>(options.parallel);
    batch.embeds = options.embeddings || shape.embeds;
    std::uint64_t context = options.context;
    if (shape.context_trained > 0)
        context = std::min<std::uint64_t>(context, shape.context_trained);
    const std::uint64_t pool = std::min(context * batch.sequences, largest_pool);
    batch.tokens = static_cast<std::uint64_t>(options.ubatch);
    if (batch.embeds)
        batch.tokens = std::clamp(context, shortest_embedding, longest_embedding);
    if (shape.causal)
        batch.tokens = std::min(batch.tokens, pool);
    batch.outputs = batch.embeds ? batch.tokens : std::min(batch.tokens, batch.sequences);
    batch.streams = options.unified ? 1 : batch.sequences;
    batch.cells = options.unified ? padded(pool) : padded(padded(pool) / batch.sequences);
    const std::uint64_t windows = options.unified ? batch.sequences : 1;
    batch.sliding_cells = padded(std::min(batch.cells, shape.sliding_window * windows + batch.tokens));
    return batch;
}

} // namespace hearth::runtime::memory
