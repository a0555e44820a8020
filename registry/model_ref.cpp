#include "registry/model_ref.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <netinet/in.h>
#include <vector>

namespace hearth::registry {
namespace {

constexpr std::size_t longest_name = 1024;
constexpr std::size_t longest_address = 8192; // a signed URL
constexpr std::size_t longest_host = 255;
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

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c);
}
char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), to_lower);
    return lower;
}

bool equal_without_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

/// `[A-Za-z0-9_][A-Za-z0-9_.-]*`, which also keeps `.`, `..` and options such as `-x` out.
bool is_name(std::string_view text, std::size_t longest) {
    if (text.empty() || text.size() > longest || !(is_alphanumeric(text[0]) || text[0] == '_'))
        return false;
    return std::ranges::all_of(text,
                               [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos)
            return parts;
        text.remove_prefix(at + 1);
    }
}

/// A port without sign or leading zeros, so that one host has one spelling.
bool is_port(std::string_view text) {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() && is_digit(text[0]) && text[0] != '0' &&
           port <= 65535;
}

std::optional<std::string> canonical_ipv6(std::string_view text) {
    in6_addr address{};
    std::array<char, INET6_ADDRSTRLEN> out{};
    if (inet_pton(AF_INET6, std::string(text).c_str(), &address) != 1)
        return std::nullopt;
    inet_ntop(AF_INET6, &address, out.data(), out.size());
    return std::string(out.data());
}

bool is_ipv4(const std::string& text) {
    in_addr address{};
    return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

bool is_dns_label(std::string_view label) {
    const auto allowed = [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; };
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           std::ranges::all_of(label, allowed);
}

/// Resolvers read `0x7f.1`, `127.1` and `2130706433` as addresses; here only the plain dotted form is one.
bool looks_like_odd_number(std::string_view last_label) {
    return std::ranges::all_of(last_label, is_digit) || last_label.starts_with("0x") ||
           last_label.starts_with("0X");
}

/// @return  canonical host with its port: lower case, IPv6 compressed
std::string parse_host(std::string_view text, std::string_view whole) {
    if (text.size() > longest_host)
        fail(whole, "the host is too long");
    std::string_view name = text;
    std::string_view port;
    const std::size_t colon = text.starts_with('[') ? text.find("]:") : text.find(':');
    if (colon != std::string_view::npos) {
        const std::size_t port_at = colon + (text.starts_with('[') ? 2 : 1);
        name = text.substr(0, port_at - 1);
        port = text.substr(port_at);
        if (!is_port(port))
            fail(whole, "the port is not 1 to 65535");
    }
    std::string host;
    if (name.starts_with('[')) {
        const auto address =
            name.ends_with(']') ? canonical_ipv6(name.substr(1, name.size() - 2)) : std::nullopt;
        if (!address)
            fail(whole, "the host is not an IPv6 address");
        host = "[" + *address + "]";
    } else {
        host = lower_case(name);
        const auto labels = split(host, '.');
        if (!std::ranges::all_of(labels, is_dns_label) ||
            (looks_like_odd_number(labels.back()) && !is_ipv4(host)))
            fail(whole, "the host is neither a domain name nor an IP address");
    }
    return port.empty() ? host : host + ":" + std::string(port);
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

bool is_loopback_host(std::string_view host) {
    if (host.starts_with("[::1]"))
        return host.size() == 5 || host[5] == ':';
    const std::string name = lower_case(host.substr(0, host.find(':')));
    return name == "localhost" || name.ends_with(".localhost") || (name.starts_with("127.") && is_ipv4(name));
}

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
