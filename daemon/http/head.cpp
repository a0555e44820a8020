#include "daemon/http/head.hpp"

#include <algorithm>
#include <charconv>

namespace hearth::daemon::http {
namespace {

bool is_token_char(char character) {
    const auto c = static_cast<unsigned char>(character);
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        return true;
    }
    return std::string_view("!#$%&'*+-.^_`|~").find(character) != std::string_view::npos;
}

bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_token_char);
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c - 'A' + 'a');
        }
    }
    return result;
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

HeadFault bad(std::string reason) {
    return {400, std::move(reason)};
}

/// A host name or address with an optional port; nothing that another parser could read as a user name or a
/// path.
bool is_authority(std::string_view text) {
    auto allowed = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
               c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
    };
    return !text.empty() && text.size() <= 255 && std::ranges::all_of(text, allowed);
}

std::optional<HeadFault> parse_request_line(std::string_view line, const Limits& limits, Head& head) {
    if (line.size() > limits.request_line_bytes) {
        return HeadFault{414, "the request line is longer than the limit"};
    }
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) {
        return bad("the request line must be METHOD TARGET VERSION");
    }
    const std::string_view method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    if (!is_token(method) || method.size() > 32) {
        return bad("the method is not a token");
    }
    if (version != "HTTP/1.1" && version != "HTTP/1.0") {
        return bad("the request line must end with HTTP/1.1 or HTTP/1.0");
    }
    auto printable = [](char c) { return c > 0x20 && c < 0x7f; };
    if (target.empty() || !std::ranges::all_of(target, printable)) {
        return bad("the target holds characters that must be percent-encoded");
    }
    head.method = method;
    head.target = target;
    head.minor_version = version.back() - '0';
    return {};
}

std::optional<HeadFault> parse_field(std::string_view line, Head& head) {
    if (line.front() == ' ' || line.front() == '\t') {
        return bad("folded header lines are not accepted");
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
        return bad("a header line must be NAME: VALUE");
    }
    const std::string_view value = trim(line.substr(colon + 1));
    auto legal = [](char c) { return c == '\t' || static_cast<unsigned char>(c) >= 0x20; };
    if (!std::ranges::all_of(value, legal) || value.find('\x7f') != std::string_view::npos) {
        return bad("a header value holds a control character");
    }
    head.fields.emplace_back(lower(line.substr(0, colon)), std::string(value));
    return {};
}

long count(const Head& head, std::string_view name) {
    return std::ranges::count_if(head.fields, [&](const auto& field) { return field.first == name; });
}

std::optional<HeadFault> apply_host(Head& head) {
    const auto hosts = count(head, "host");
    if (hosts > 1 || (hosts == 0 && head.minor_version == 1)) {
        return bad("exactly one Host header is required");
    }
    const std::string_view host = head.field("host");
    if (hosts == 1 && !is_authority(host)) {
        return bad("the Host header is not a host");
    }
    if (head.target.front() == '/') {
        return {};
    }
    const std::string prefix = "http://" + std::string(host);
    if (hosts == 1 && head.target.starts_with(prefix + "/")) {
        head.target.erase(0, prefix.size());
        return {};
    }
    return bad("the target must be a path, or a URL of this host");
}

std::optional<HeadFault> apply_framing(Head& head) {
    const auto lengths = count(head, "content-length");
    const auto encodings = count(head, "transfer-encoding");
    if (lengths > 1 || encodings > 1 || (lengths == 1 && encodings == 1)) {
        return bad("the length of the body is ambiguous");
    }
    if (encodings == 1) {
        if (head.minor_version == 0 || lower(head.field("transfer-encoding")) != "chunked") {
            return bad("the only Transfer-Encoding accepted is \"chunked\", on HTTP/1.1");
        }
        head.chunked = true;
    }
    if (lengths == 1) {
        const std::string_view text = head.field("content-length");
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
            return bad("Content-Length is not a number");
        }
        head.content_length = value;
    }
    return {};
}

/// Connection and Expect.
std::optional<HeadFault> apply_manners(Head& head) {
    head.keep_alive = head.minor_version == 1;
    for (const auto& [name, value] : head.fields) {
        if (name == "connection") {
            const std::string words = lower(value);
            if (words.find("close") != std::string::npos) {
                head.keep_alive = false;
            } else if (words.find("keep-alive") != std::string::npos) {
                head.keep_alive = true;
            }
        } else if (name == "expect") {
            if (lower(value) != "100-continue") {
                return HeadFault{417, "the only expectation known is 100-continue"};
            }
            head.expects_continue = head.minor_version == 1;
        }
    }
    return {};
}

} // namespace

std::string_view Head::field(std::string_view lower_case_name) const noexcept {
    for (const auto& [name, value] : fields) {
        if (name == lower_case_name) {
            return value;
        }
    }
    return {};
}

std::optional<HeadFault> find_prefix_fault(std::string_view partial, const Limits& limits) {
    if (!partial.empty() && !is_token_char(partial.front())) {
        return bad("this is not an HTTP request");
    }
    for (std::size_t i = 0; i < partial.size(); ++i) {
        const bool bare_lf = partial[i] == '\n' && (i == 0 || partial[i - 1] != '\r');
        const bool bare_cr = partial[i] == '\r' && i + 1 < partial.size() && partial[i + 1] != '\n';
        if (bare_lf || bare_cr || partial[i] == '\0') {
            return bad("lines must end with CR LF");
        }
    }
    const auto line_end = partial.find("\r\n");
    if (line_end == std::string_view::npos) {
        if (partial.size() > limits.request_line_bytes) {
            return HeadFault{414, "the request line is longer than the limit"};
        }
        return {};
    }
    if (partial.size() - line_end > limits.header_bytes + 4) {
        return HeadFault{431, "the headers are longer than the limit"};
    }
    Head ignored;
    return parse_request_line(partial.substr(0, line_end), limits, ignored);
}

std::optional<Head> parse_head(std::string_view text, const Limits& limits, HeadFault& fault) {
    Head head;
    auto refuse = [&fault](HeadFault found) {
        fault = std::move(found);
        return std::nullopt;
    };
    if (auto found = find_prefix_fault(text, limits)) {
        return refuse(std::move(*found));
    }
    std::size_t position = text.find("\r\n");
    if (auto found = parse_request_line(text.substr(0, position), limits, head)) {
        return refuse(std::move(*found));
    }
    for (position += 2; position < text.size();) {
        const auto end = text.find("\r\n", position);
        if (end == std::string_view::npos || end == position) {
            break;
        }
        if (auto found = parse_field(text.substr(position, end - position), head)) {
            return refuse(std::move(*found));
        }
        if (head.fields.size() > limits.header_fields) {
            return refuse(HeadFault{431, "there are more header fields than the limit"});
        }
        position = end + 2;
    }
    for (auto* rule : {apply_host, apply_framing, apply_manners}) {
        if (auto found = rule(head)) {
            return refuse(std::move(*found));
        }
    }
    return head;
}

} // namespace hearth::daemon::http
