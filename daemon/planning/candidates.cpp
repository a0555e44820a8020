#include "daemon/planning/candidates.hpp"

#include "base/error.hpp"
#include "registry/gguf/shape.hpp"
#include "registry/gguf/shape_spread.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace hearth::daemon {

namespace asio = boost::asio;
namespace gguf = registry::gguf;
using registry::PublishedFile;
using registry::PublishedModel;
using registry::PublishedQuant;

namespace {

const PublishedFile* find_file(const PublishedQuant& quant, registry::FileRole role) {
    const auto found = std::ranges::find(quant.files, role, &PublishedFile::role);
    return found == quant.files.end() ? nullptr : &*found;
}

std::optional<registry::SideFileShape> side_file(const PublishedQuant& quant, registry::FileRole role) {
    const PublishedFile* file = find_file(quant, role);
    return file == nullptr ? std::nullopt : std::optional(registry::SideFileShape{file->size_bytes, 0});
}

/// What one header says, and of which quantization it is.
struct Known {
    registry::ModelShape shape;
    std::string tag;
    std::uint64_t bytes_read = 0;
};

std::string name_of(const PublishedQuant& quant, const registry::ModelShape& shape) {
    return quant.quant.empty() ? shape.quantization : quant.quant;
}

registry::ModelShape shape_of(const registry::PublishedHeader& header, const PublishedQuant& quant) {
    const bool whole = header.prefix.complete && header.prefix.header.find("split.count") == nullptr;
    if (whole) {
        return gguf::read_shape(header.prefix.header);
    }
    return gguf::spread_shape(header.prefix.header, quant.quant, quant.weight_bytes());
}

asio::awaitable<Known> read_one(registry::Survey& survey, const PublishedQuant& quant,
                                registry::HeaderDepth depth) {
    const PublishedFile* file = find_file(quant, registry::FileRole::model);
    if (file == nullptr) {
        throw Error(ErrorCode::unsupported, fmt::format("{} has no weights", quant.reference));
    }
    PublishedFile wanted = *file;
    const registry::PublishedHeader header = co_await survey.read_header(std::move(wanted), depth);
    Known known{.shape = shape_of(header, quant), .tag = quant.tag, .bytes_read = header.bytes_read};
    known.shape.file_bytes = quant.weight_bytes();
    co_return known;
}

runtime::memory::Candidate candidate_of(const PublishedQuant& quant, const Known& known) {
    runtime::memory::Candidate candidate;
    candidate.quant = name_of(quant, known.shape);
    candidate.shape = quant.tag == known.tag
                          ? known.shape
                          : gguf::scale_shape(known.shape, candidate.quant, quant.weight_bytes());
    candidate.projector = side_file(quant, registry::FileRole::projector);
    candidate.draft = side_file(quant, registry::FileRole::draft);
    candidate.download_bytes = quant.size_bytes;
    return candidate;
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

/// The tag without its quantization; empty when it has none.
std::string stem_of(const std::string& tag) {
    const std::string quant = lower(registry::quant_of_name(tag));
    const std::string text = lower(tag);
    const std::size_t at = quant.empty() ? std::string::npos : text.find(quant);
    return at == std::string::npos ? "" : text.substr(0, at) + "*" + text.substr(at + quant.size());
}

} // namespace

Candidates candidates_of(const registry::Model& model, const registry::StoredShapes& shapes) {
    Candidates candidates;
    candidates.list.push_back({.quant = model.details.quantization_level,
                               .shape = shapes.model,
                               .projector = shapes.projector,
                               .draft = shapes.draft,
                               .download_bytes = 0});
    return candidates;
}

asio::awaitable<Candidates> survey_candidates(registry::Survey& survey, PublishedModel model,
                                              registry::HeaderDepth depth, std::string tag) {
    const PublishedQuant& typical = tag.empty() ? registry::default_quant(model) : model.get(tag);
    const Known known = co_await read_one(survey, typical, depth);
    Candidates candidates;
    candidates.header_bytes = known.bytes_read;
    for (const PublishedQuant& quant : model.quants) {
        candidates.list.push_back(candidate_of(quant, known));
    }
    co_return candidates;
}

std::vector<std::string> sibling_tags(const std::string& tag, const std::vector<std::string>& tags) {
    const std::string stem = stem_of(tag);
    std::vector<std::string> siblings;
    for (const std::string& other : tags) {
        if (!stem.empty() && other != tag && stem_of(other) == stem) {
            siblings.push_back(other);
        }
    }
    std::ranges::sort(siblings);
    return siblings;
}

} // namespace hearth::daemon
