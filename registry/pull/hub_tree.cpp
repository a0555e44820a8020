#include "registry/pull/hub_tree.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "registry/name_text.hpp"
#include "registry/pull/http_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::registry {

namespace {

using name_text::equal_without_case;
using name_text::split;

constexpr std::size_t longest_path = 1024;
constexpr std::size_t longest_query = 4096;
constexpr std::uint64_t largest_file = std::uint64_t{1} << 50;

[[noreturn]] void fail(const std::string& what) {
    throw Error(ErrorCode::bad_manifest, "the Hub's answer: " + what,
                "HF_ENDPOINT may name something that is no Hub, or a proxy may be in the way");
}

Json parse(std::string_view text) {
    try {
        return parse_json(text, "the Hub's answer", 32);
    } catch (const Error& error) {
        fail(error.what());
    }
}

bool is_commit(std::string_view text) {
    const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    return text.size() == 40 && std::ranges::all_of(text, hex);
}

bool is_repository(std::string_view text) {
    const auto parts = split(text, '/');
    const auto is_part = [](std::string_view part) {
        const auto allowed = [](char c) {
            return name_text::is_alphanumeric(c) || c == '_' || c == '.' || c == '-';
        };
        return !part.empty() && part.size() <= 128 && part != "." && part != ".." &&
               std::ranges::all_of(part, allowed);
    };
    return parts.size() == 2 && std::ranges::all_of(parts, is_part);
}

/// Paths only make URLs, names to show and tags; but one that climbs was made to do harm.
bool is_path(std::string_view path) {
    const auto is_part = [](std::string_view part) { return !part.empty() && part != "." && part != ".."; };
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    return path.size() <= longest_path && std::ranges::all_of(split(path, '/'), is_part) &&
           std::ranges::none_of(path, is_control) && path.find('\\') == std::string_view::npos;
}

std::uint64_t size_of(const Json& object, const std::string& path) {
    const auto size = object.find("size");
    if (size == object.end() || !size->is_number_unsigned() || size->get<std::uint64_t>() > largest_file) {
        fail("the size of " + path + " is not a size");
    }
    return size->get<std::uint64_t>();
}

/// A large file's digest stands in `lfs`, where its size is said once more.
std::optional<Digest> digest_of(const Json& entry, const std::string& path, std::uint64_t size) {
    const auto lfs = entry.find("lfs");
    if (lfs == entry.end() || lfs->is_null()) {
        return std::nullopt;
    }
    if (!lfs->is_object() || size_of(*lfs, path) != size) {
        fail(path + " has two sizes");
    }
    const auto oid = lfs->find("oid");
    const auto digest = oid != lfs->end() && oid->is_string()
                            ? Digest::try_parse("sha256:" + oid->get<std::string>())
                            : std::nullopt;
    if (!digest) {
        fail("the sha256 of " + path + " is none");
    }
    return digest;
}

bool is_gguf(std::string_view path) {
    return path.size() > 5 && equal_without_case(path.substr(path.size() - 5), ".gguf");
}

/// Path of an entry that is a GGUF file, else empty.
std::string gguf_path(const Json& entry) {
    if (!entry.is_object()) {
        fail("an entry of the file list is no object");
    }
    const auto type = entry.find("type");
    const auto path = entry.find("path");
    if (type == entry.end() || path == entry.end() || !path->is_string()) {
        fail("an entry of the file list has no type or path");
    }
    const std::string text = path->get<std::string>();
    return *type == "file" && is_gguf(text) ? text : std::string();
}

} // namespace

HubInfo parse_hub_info(std::string_view text) {
    const Json object = parse(text);
    HubInfo info;
    const auto member = [&](const char* key) {
        const auto found = object.find(key);
        return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    if (!object.is_object()) {
        fail("is no description of a repository");
    }
    info.commit = member("sha");
    info.repository = member("id");
    if (!is_commit(info.commit)) {
        fail("names no commit");
    }
    if (!is_repository(info.repository)) {
        info.repository.clear();
    }
    return info;
}

HubPage parse_hub_page(std::string_view text) {
    const Json list = parse(text);
    if (!list.is_array()) {
        fail("is no list of files");
    }
    HubPage page;
    page.entries = list.size();
    for (const Json& entry : list) {
        HubFile file;
        file.path = gguf_path(entry);
        if (file.path.empty()) {
            continue;
        }
        if (!is_path(file.path)) {
            fail("a file's name is no path inside the repository");
        }
        file.size_bytes = size_of(entry, file.path);
        file.digest = digest_of(entry, file.path, file.size_bytes);
        page.files.push_back(std::move(file));
    }
    return page;
}

std::string next_page_query(std::string_view header) {
    while (true) {
        const std::size_t open = header.find('<');
        const std::size_t close = header.find('>', open == std::string_view::npos ? 0 : open);
        if (open == std::string_view::npos || close == std::string_view::npos) {
            return {};
        }
        const std::string_view url = header.substr(open + 1, close - open - 1);
        header.remove_prefix(close + 1);
        const std::string_view parameters = header.substr(0, header.find('<'));
        if (parameters.find("rel=\"next\"") == std::string_view::npos &&
            parameters.find("rel=next") == std::string_view::npos) {
            continue;
        }
        const std::size_t question = url.find('?');
        const std::string_view query =
            question == std::string_view::npos ? std::string_view() : url.substr(question + 1);
        const auto is_odd = [](char c) {
            return c <= ' ' || static_cast<unsigned char>(c) >= 0x7f || c == '#';
        };
        if (query.empty() || query.size() > longest_query || std::ranges::any_of(query, is_odd)) {
            fail("the link to its next page is none");
        }
        return std::string(query);
    }
}

std::string encode_path(std::string_view path) {
    std::string result;
    for (const std::string_view part : split(path, '/')) {
        result += (result.empty() ? "" : "/") + url_encode(part);
    }
    return result;
}

} // namespace hearth::registry
