#include "registry/pull/hub_groups.hpp"

#include "registry/name_text.hpp"
#include "registry/pull/shard_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace hearth::registry {

namespace {

using name_text::lower_case;

constexpr std::size_t longest_tag = 128; // of ModelRef

std::string folder_of(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string() : std::string(path.substr(0, slash + 1));
}

enum class Purpose { weights, projector, nothing };

/// Sidecars are told by their names alone. Source: the names that llama.cpp's own downloader skips (reference
/// registry.md 2.6), and the endings of ggml's naming convention.
Purpose purpose_of(const ShardName& name) {
    const std::string stem = lower_case(name.stem.substr(name.stem.rfind('/') + 1));
    if (stem.find("mmproj") != std::string::npos) {
        return Purpose::projector;
    }
    constexpr std::array prefixes = {"mtp-", "eagle3-", "dflash-", "dspark-", "draft-", "ggml-vocab"};
    constexpr std::array endings = {"-lora", "-vocab"};
    const bool side =
        stem.find("imatrix") != std::string::npos ||
        std::ranges::any_of(prefixes, [&](const char* prefix) { return stem.starts_with(prefix); }) ||
        std::ranges::any_of(endings, [&](const char* ending) { return stem.ends_with(ending); });
    return side ? Purpose::nothing : Purpose::weights;
}

PublishedFile as_file(const HubFile& file, const ShardName& name, FileRole role) {
    PublishedFile published;
    published.name = file.path;
    published.role = role;
    published.size_bytes = file.size_bytes;
    published.digest = file.digest;
    published.shard = name.shard;
    published.of = name.of;
    return published;
}

/// How far two files are together in the folders: characters of the folders that both are in.
std::size_t shared_folders(std::string_view a, std::string_view b) {
    std::size_t shared = 0;
    for (std::size_t at = 0; at < std::min(a.size(), b.size()) && a[at] == b[at]; ++at) {
        shared = a[at] == '/' ? at + 1 : shared;
    }
    return shared;
}

int projector_rank(const std::string& quant) {
    constexpr std::array<std::string_view, 4> order = {"F16", "BF16", "Q8_0", "F32"};
    return static_cast<int>(std::ranges::find(order, quant) - order.begin());
}

const PublishedFile* nearest_projector(const std::vector<PublishedFile>& projectors,
                                       const std::string& path) {
    const auto key = [&](const PublishedFile& file) {
        return std::tuple(-static_cast<std::ptrdiff_t>(shared_folders(file.name, path)),
                          projector_rank(quant_of_name(file.name)), file.name);
    };
    const auto best = std::ranges::min_element(projectors, {}, key);
    return best == projectors.end() ? nullptr : &*best;
}

/// Text as a tag of a reference may be.
std::string as_tag(std::string_view text) {
    std::string tag(text.substr(0, longest_tag));
    for (char& c : tag) {
        c = name_text::is_alphanumeric(c) || c == '_' || c == '.' || c == '-' ? c : '-';
    }
    if (tag.empty() || !(name_text::is_alphanumeric(tag[0]) || tag[0] == '_')) {
        tag.insert(0, "_");
        tag.resize(std::min(tag.size(), longest_tag));
    }
    return tag;
}

/// The quantization; where several files have it, or none is told, the file's name, then its whole path.
std::string take_tag(const std::string& quant, const std::string& stem, std::set<std::string>& taken) {
    const std::string base = stem.substr(stem.rfind('/') + 1);
    for (const std::string& candidate : {quant, as_tag(base), as_tag(stem)}) {
        if (!candidate.empty() && candidate != "latest" && taken.insert(lower_case(candidate)).second) {
            return candidate;
        }
    }
    for (std::size_t number = 2;; ++number) {
        std::string candidate = fmt::format("{}-{}", as_tag(stem).substr(0, longest_tag - 12), number);
        if (taken.insert(lower_case(candidate)).second) {
            return candidate;
        }
    }
}

/// Shards of one split file, or one whole file, by the path without its shard suffix.
struct Variant {
    std::string stem;
    int of = 1;
    std::map<int, PublishedFile> shards;

    bool is_whole() const { return static_cast<int>(shards.size()) == of; }
};

struct Sorted {
    std::vector<Variant> variants;
    std::vector<PublishedFile> projectors;
};

/// Who of two with the same quantization is called by it: one that is whole, the one nearer to the root, then
/// the shorter name.
auto precedence(const Variant& variant) {
    return std::tuple(!variant.is_whole(), std::ranges::count(variant.stem, '/'), variant.of,
                      variant.stem.size(), std::string_view(variant.stem));
}

Sorted sort_files(const std::vector<HubFile>& files) {
    std::map<std::pair<std::string, int>, Variant> variants;
    Sorted sorted;
    for (const HubFile& file : files) {
        const ShardName name = parse_shard_name(file.path);
        const Purpose purpose = purpose_of(name);
        if (purpose == Purpose::projector) {
            sorted.projectors.push_back(as_file(file, ShardName{name.stem, 1, 1}, FileRole::projector));
        } else if (purpose == Purpose::weights) {
            Variant& variant = variants[{name.stem, name.of}];
            variant.stem = name.stem;
            variant.of = name.of;
            variant.shards.emplace(name.shard, as_file(file, name, FileRole::model));
        }
    }
    for (auto& [key, variant] : variants) {
        sorted.variants.push_back(std::move(variant));
    }
    std::ranges::sort(sorted.variants, {}, precedence);
    return sorted;
}

void add_files(PublishedQuant& quant, const Variant& variant, const std::vector<PublishedFile>& projectors) {
    for (const auto& [shard, file] : variant.shards) {
        quant.files.push_back(file);
    }
    if (const PublishedFile* projector = nearest_projector(projectors, folder_of(variant.stem))) {
        quant.files.push_back(*projector);
    }
    for (const PublishedFile& file : quant.files) {
        quant.size_bytes += file.size_bytes;
    }
}

} // namespace

HubGroups group_files(const std::vector<HubFile>& files) {
    const Sorted sorted = sort_files(files);
    HubGroups groups;
    std::set<std::string> taken;
    for (const Variant& variant : sorted.variants) {
        PublishedQuant quant;
        quant.quant = quant_of_name(variant.shards.begin()->second.name);
        quant.tag = take_tag(quant.quant, variant.stem, taken);
        if (variant.is_whole()) {
            add_files(quant, variant, sorted.projectors);
            groups.quants.push_back(std::move(quant));
        } else {
            groups.incomplete.push_back(
                fmt::format("{} ({} of {} parts)", quant.tag, variant.shards.size(), variant.of));
        }
    }
    std::ranges::sort(groups.quants, {},
                      [](const PublishedQuant& quant) { return std::tuple(quant.size_bytes, quant.tag); });
    return groups;
}

} // namespace hearth::registry
