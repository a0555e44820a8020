#include "registry/model_ref.hpp"

#include "base/error.hpp"
#include "registry/name_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace hearth::registry {
namespace {

using name_text::equal_without_case;
using name_text::is_alphanumeric;
using name_text::is_digit;
using name_text::lower_case;
using name_text::split;

constexpr std::size_t longest_name = 1024;
constexpr std::size_t longest_address = 8192; // a signed URL
constexpr std::size_t longest_repository =
    255; // OCI distribution: host and name together fit 255 in practice
constexpr std::size_t longest_segment = 128;
constexpr std::size_t longest_tag = 128;
constexpr std::string_view ollama_host = "registry.ollama.ai";
constexpr std::string_view hub_host = "hf.co";
constexpr std::string_view local_host = "local";

[[noreturn]] void fail(std::string_view text, const std::string& why) {
    constexpr std::size_t shown = 120;
    std::string quoted;
    for (const char c : text.substr(0, shown))
        quoted += c >= ' ' && c < 0x7f ? c : '?';
    if (text.size() > shown)
        quoted += "…";
    throw Error(ErrorCode::bad_reference, fmt::format("bad model name '{}': {}", quoted, why),
                "a name is [host/][namespace/]model[:tag][@sha256:…], hf.co/org/repo[:QUANT], "
                "https://…/file.gguf or file:///…");
}

/// `[A-Za-z0-9_][A-Za-z0-9_.-]*`, which also keeps `.`, `..` and options such as `-x` out.
bool is_name(std::string_view text, std::size_t longest) {
    if (text.empty() || text.size() > longest || !(is_alphanumeric(text[0]) || text[0] == '_'))
        return false;
    return std::ranges::all_of(text,
                               [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

std::string parse_host(std::string_view text, std::string_view whole) {
    auto host = canonical_host(text);
    if (!host)
        fail(whole, host.error());
    return std::move(*host);
}

std::string default_scheme(std::string_view host) {
    return is_loopback_host(host) ? "http" : "https";
}

bool is_hub(std::string_view host) {
    return host == hub_host || host == "huggingface.co" || host == "www.huggingface.co";
}

void check_scheme(const ModelRef& ref, std::string_view whole) {
    if (ref.scheme == "http" && !is_loopback_host(ref.host))
        fail(whole, "plain http is for registries on this machine only; use https");
}

struct Parts {
    std::string_view whole;  // for messages
    std::string_view scheme; // as typed, may be empty
    std::string_view rest;   // after the scheme, without the pin
    std::optional<Digest> pin;
};

Parts take_apart(std::string_view text) {
    Parts parts{text, {}, text, {}};
    if (const std::size_t at = text.find("://"); at != std::string_view::npos && text.find('/') == at + 1) {
        parts.scheme = text.substr(0, at);
        if (at == 0)
            fail(text, "there is no scheme before ://");
        parts.rest = text.substr(at + 3);
    }
    if (const std::size_t at = parts.rest.rfind("@sha256:"); at != std::string_view::npos) {
        parts.pin = Digest::try_parse(parts.rest.substr(at + 1));
        if (!parts.pin)
            fail(text, "the part after @ is not sha256: and 64 lower-case hex digits");
        parts.rest = parts.rest.substr(0, at);
    }
    return parts;
}

/// Folders between `/`: no empty, `.` or `..` segment, so that one file has one name.
void check_path(std::string_view path, std::string_view whole) {
    for (const std::string_view segment : split(path.substr(1), '/'))
        if (segment.empty() || segment == "." || segment == "..")
            fail(whole, "the path has an empty, '.' or '..' segment");
}

ModelRef parse_file(Parts parts) {
    if (!parts.rest.starts_with('/'))
        fail(parts.whole, "a file needs its full path: file:///folder/model.gguf");
    check_path(parts.rest, parts.whole);
    return ModelRef{ModelRef::Kind::file, "file", "", std::string(parts.rest), "", parts.pin};
}

/// `host/path.gguf[?query]` with an http scheme; nullopt when the path is no GGUF file: then it is a
/// registry's name.
std::optional<ModelRef> try_parse_url(const Parts& parts) {
    const std::size_t slash = parts.rest.find('/');
    if (slash == std::string_view::npos)
        return std::nullopt;
    const std::string_view target = parts.rest.substr(slash);
    const std::string_view path = target.substr(0, target.find('?'));
    if (path.size() <= 6 || !equal_without_case(path.substr(path.size() - 5), ".gguf"))
        return std::nullopt;
    if (parts.rest.substr(0, slash).find('@') != std::string_view::npos)
        fail(parts.whole, "no user name or password in an address");
    if (target.find('#') != std::string_view::npos)
        fail(parts.whole, "an address has no '#' part");
    check_path(path, parts.whole);
    ModelRef ref{ModelRef::Kind::url,
                 lower_case(parts.scheme),
                 parse_host(parts.rest.substr(0, slash), parts.whole),
                 std::string(target),
                 "",
                 parts.pin};
    check_scheme(ref, parts.whole);
    return ref;
}

bool is_host_segment(std::string_view segment) {
    return segment.find_first_of(".:[") != std::string_view::npos ||
           equal_without_case(segment, "localhost") || segment == local_host;
}

/// Takes `:tag` off the end. A colon is a tag only behind the last slash.
std::string take_tag(std::string_view& name, std::string_view whole) {
    const std::size_t slash = name.rfind('/');
    const std::size_t colon = name.rfind(':');
    if (colon == std::string_view::npos || (slash != std::string_view::npos && colon < slash))
        return "latest";
    const std::string tag(name.substr(colon + 1));
    if (!is_name(tag, longest_tag))
        fail(whole, "the tag after ':' may hold letters, digits, '_', '.' and '-', 128 at most");
    name = name.substr(0, colon);
    return tag;
}

void check_repository(std::string_view repository, std::string_view whole) {
    if (repository.size() > longest_repository)
        fail(whole, "the name is longer than 255 characters");
    for (const std::string_view segment : split(repository, '/'))
        if (!is_name(segment, longest_segment))
            fail(whole, segment.empty() ? "an empty part between slashes"
                                        : "a part may hold letters, digits, '_', '.' and '-', and starts "
                                          "with a letter, digit or '_'");
}

void set_host(ModelRef& ref, std::string_view text, std::string_view scheme, std::string_view whole) {
    if (scheme.empty() && text == local_host) {
        ref.kind = ModelRef::Kind::local;
        ref.host = local_host;
        return;
    }
    ref.host = parse_host(text, whole);
    if (ref.host == local_host) // its full name would be that of a model of this store
        fail(whole, "'local' stands for this machine's own models, not for a registry");
    if (is_hub(ref.host)) {
        ref.kind = ModelRef::Kind::hub;
        ref.host = hub_host;
    }
    ref.scheme = scheme.empty() ? default_scheme(ref.host) : lower_case(scheme);
    check_scheme(ref, whole);
}

ModelRef parse_name(const Parts& parts, std::string_view default_registry) {
    ModelRef ref;
    ref.pin = parts.pin;
    std::string_view name = parts.rest;
    ref.tag = take_tag(name, parts.whole);
    const std::size_t slash = name.find('/');
    const bool has_host =
        slash != std::string_view::npos && (!parts.scheme.empty() || is_host_segment(name.substr(0, slash)));
    if (has_host) {
        set_host(ref, name.substr(0, slash), parts.scheme, parts.whole);
        name = name.substr(slash + 1);
    } else if (!parts.scheme.empty()) {
        fail(parts.whole, "no model behind the host");
    } else {
        const Parts registry = take_apart(default_registry);
        set_host(ref, registry.rest, registry.scheme, default_registry);
    }
    check_repository(name, parts.whole);
    const bool bare = name.find('/') == std::string_view::npos;
    const bool library = bare && ref.kind == ModelRef::Kind::oci && (!has_host || ref.host == ollama_host);
    ref.repository = library ? "library/" + std::string(name) : std::string(name);
    if (ref.kind == ModelRef::Kind::hub && std::ranges::count(ref.repository, '/') != 1)
        fail(parts.whole, "a Hugging Face name is hf.co/org/repo[:QUANT]");
    return ref;
}

void check_characters(std::string_view text, bool address) {
    if (text.empty())
        fail(text, "it is empty");
    if (text.size() > (address ? longest_address : longest_name))
        fail(text, "it is too long");
    // A file's name may hold spaces and UTF-8; nothing may hold control characters.
    const bool file = text.size() >= 7 && equal_without_case(text.substr(0, 7), "file://");
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f || (!file && (byte == ' ' || byte >= 0x80)) ||
            (!file && byte == '\\'))
            fail(text, "it holds a space, a control character or a letter outside ASCII");
    }
}

/// "m-00001-of-00003" → "m".
std::string_view without_shard_suffix(std::string_view stem) {
    constexpr std::size_t length = std::string_view("-00001-of-00003").size();
    if (stem.size() <= length)
        return stem;
    const std::string_view suffix = stem.substr(stem.size() - length);
    const auto digits = [&](std::size_t at) { return std::ranges::all_of(suffix.substr(at, 5), is_digit); };
    const bool shard = suffix[0] == '-' && digits(1) && suffix.substr(6, 4) == "-of-" && digits(10);
    return shard ? stem.substr(0, stem.size() - length) : stem;
}

} // namespace

ModelRef ModelRef::parse(std::string_view text, std::string_view default_registry) {
    check_characters(text, text.find("://") != std::string_view::npos);
    const Parts parts = take_apart(text);
    const std::string scheme = lower_case(parts.scheme);
    if (scheme == "file")
        return parse_file(parts);
    if (!parts.scheme.empty() && scheme != "http" && scheme != "https")
        fail(text, "the scheme is none of https, http and file");
    if (!scheme.empty())
        if (auto url = try_parse_url(parts))
            return *url;
    return parse_name(parts, default_registry);
}

std::string ModelRef::full_name() const {
    const std::string at_pin = pin ? "@" + pin->text() : "";
    switch (kind) {
    case Kind::file:
        return "file://" + repository + at_pin;
    case Kind::url:
        return scheme + "://" + host + repository + at_pin;
    default:
        break;
    }
    const bool plain = kind == Kind::local || scheme.empty() || scheme == default_scheme(host);
    // Without its scheme a host such as "server" would read as a namespace.
    const std::string before = plain && is_host_segment(host) ? host : scheme + "://" + host;
    return before + "/" + repository + ":" + tag + at_pin;
}

std::string ModelRef::short_name(std::string_view default_registry) const {
    const std::string at_pin = pin ? "@" + pin->text() : "";
    if (kind == Kind::local)
        return repository.find('/') == std::string::npos ? repository + ":" + tag + at_pin : full_name();
    if (kind != Kind::oci)
        return full_name();
    const Parts registry = take_apart(default_registry);
    const std::string registry_scheme =
        registry.scheme.empty() ? default_scheme(registry.rest) : std::string(registry.scheme);
    if (!equal_without_case(host, registry.rest) || scheme != registry_scheme)
        return full_name();
    const std::string_view bare =
        std::string_view(repository).starts_with("library/") ? std::string_view(repository).substr(8) : "";
    if (!bare.empty() && bare.find('/') == std::string_view::npos)
        return fmt::format("{}:{}{}", bare, tag, at_pin);
    // "team/model" reads back; "my.team/model" would read as a host, and a lone "model" as library/model.
    const std::size_t slash = repository.find('/');
    const bool reads_back = slash != std::string::npos && !is_host_segment(repository.substr(0, slash));
    return reads_back ? repository + ":" + tag + at_pin : full_name();
}

std::string ModelRef::origin() const {
    if (kind == Kind::file || kind == Kind::local)
        return {};
    return (scheme.empty() ? default_scheme(host) : scheme) + "://" + host;
}

ModelRef ModelRef::local_name() const {
    if (kind != Kind::url && kind != Kind::file)
        return *this;
    std::string_view path = repository;
    if (kind == Kind::url)
        path = path.substr(0, path.find('?'));
    path = path.substr(path.rfind('/') + 1);
    if (path.size() > 5 && equal_without_case(path.substr(path.size() - 5), ".gguf"))
        path = path.substr(0, path.size() - 5);
    std::string name(without_shard_suffix(path).substr(0, longest_segment));
    for (char& c : name)
        c = is_alphanumeric(c) || c == '_' || c == '.' || c == '-' ? c : '-';
    if (name.empty() || !(is_alphanumeric(name[0]) || name[0] == '_'))
        name = "model" + name.substr(0, longest_segment - 5);
    return ModelRef{Kind::local, "", std::string(local_host), std::move(name), "latest", std::nullopt};
}

bool ModelRef::same_model(const ModelRef& other) const {
    return kind == other.kind && equal_without_case(host, other.host) &&
           equal_without_case(repository, other.repository) && equal_without_case(tag, other.tag);
}

} // namespace hearth::registry
