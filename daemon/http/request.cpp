#include "daemon/http/request.hpp"

#include "base/error.hpp"

namespace hearth::daemon::http {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string percent_decode(std::string_view text, bool plus_is_space) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            result += ' ';
            continue;
        }
        if (text[i] != '%') {
            result += text[i];
            continue;
        }
        const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0 || high * 16 + low == 0) {
            throw Error(ErrorCode::invalid_argument, "the request's path holds a broken percent escape");
        }
        result += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return result;
}

} // namespace

std::string_view Request::field(std::string_view lower_case_name) const noexcept {
    for (const auto& [name, value] : fields) {
        if (name == lower_case_name) {
            return value;
        }
    }
    return {};
}

void parse_target(std::string_view target, Request& request) {
    const auto mark = target.find('?');
    request.path = percent_decode(target.substr(0, mark), false);
    if (mark == std::string_view::npos) {
        return;
    }
    for (std::string_view rest = target.substr(mark + 1); !rest.empty();) {
        const auto end = rest.find('&');
        const std::string_view pair = rest.substr(0, end);
        const auto equals = pair.find('=');
        if (!pair.empty()) {
            std::string value =
                equals == std::string_view::npos ? "" : percent_decode(pair.substr(equals + 1), true);
            request.query.insert_or_assign(percent_decode(pair.substr(0, equals), true), std::move(value));
        }
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
}

} // namespace hearth::daemon::http
