#pragma once

#include "registry/pull/published.hpp"
#include "registry/pull/survey.hpp"
#include "registry/shape_reader.hpp"
#include "runtime/memory/fit.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// From what a source publishes, or the store holds, to what the planner chooses from.
namespace hearth::daemon {

struct Candidates {
    std::vector<runtime::memory::Candidate> list;
    std::uint64_t header_bytes = 0; ///< that were read for it
};

/// One candidate: the installed model itself.
Candidates candidates_of(const registry::Model& model, const registry::StoredShapes& shapes);

/// One candidate for each quantization. One header is read, of `tag` or else of the usual quantization: hyper-
/// parameters are the same in all of them, and their weights follow from their sizes.
/// @param depth  quick: 64 KiB, and which layer has how much is a guess
/// @throws Error  what the source or the header did
boost::asio::awaitable<Candidates> survey_candidates(registry::Survey& survey, registry::PublishedModel model,
                                                     registry::HeaderDepth depth, std::string tag);

/// The other tags of an OCI repository that are the same model in another quantization: their names differ from
/// this one's in the quantization alone ("3b-instruct-q4_K_M", "3b-instruct-q8_0").
std::vector<std::string> sibling_tags(const std::string& tag, const std::vector<std::string>& tags);

} // namespace hearth::daemon
