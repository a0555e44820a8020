#pragma once

#include "daemon/handlers/inference.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hearth::daemon {

struct Embeddings {
    std::vector<std::vector<float>> vectors; ///< L2-normalised where `unit` was asked for
    std::int64_t tokens = 0;
};

/// Whether vectors have the length one; not every backend can leave it.
enum class Scale { unit, raw };

/// Vectors of the texts, in order.
/// @param truncate    cut texts that are longer than the context, where the backend can count tokens
/// @param dimensions  keep the first of each vector, normalised again
/// @throws Error      context_exceeded, and what the backend does
boost::asio::awaitable<Embeddings> embed(runtime::RunnerLease& lease, std::vector<std::string> texts,
                                         bool truncate, std::optional<std::int64_t> dimensions,
                                         Scale scale = Scale::unit);

/// The first `dimensions` values, of length one again. Pure.
std::vector<float> shorten(std::vector<float> vector, std::int64_t dimensions);

} // namespace hearth::daemon
