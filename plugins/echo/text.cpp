#include "plugins/echo/text.hpp"

#include <algorithm>
#include <cmath>

namespace hearth::echo {

namespace {

bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/// FNV-1a, 64 bits.
std::uint64_t hash(std::string_view text, std::uint64_t seed) {
    std::uint64_t value = 14695981039346656037ull ^ (seed * 0x9E3779B97F4A7C15ull);
    for (unsigned char c : text) {
        value = (value ^ c) * 1099511628211ull;
    }
    return value ^ (value >> 29);
}

} // namespace

std::vector<std::string> split_words(std::string_view text) {
    std::vector<std::string> words;
    std::size_t at = 0;
    while (at < text.size()) {
        std::size_t end = at;
        while (end < text.size() && is_space(text[end])) {
            ++end;
        }
        while (end < text.size() && !is_space(text[end])) {
            ++end;
        }
        words.emplace_back(text.substr(at, end - at));
        at = end;
    }
    return words;
}

std::int64_t token_of(std::string_view piece) {
    return static_cast<std::int64_t>(hash(piece, 0) % 50000) + 3;
}

std::vector<float> embed(std::string_view text) {
    std::vector<float> vector(8);
    double squares = 0;
    for (std::size_t i = 0; i < vector.size(); ++i) {
        // 0 … 2000 around 0, never all zero: the first is at least 1.
        double value = static_cast<double>(hash(text, i + 1) % 2001) - (i == 0 ? -1.0 : 1000.0);
        vector[i] = static_cast<float>(value);
        squares += value * value;
    }
    for (float& value : vector) {
        value = static_cast<float>(static_cast<double>(value) / std::sqrt(squares));
    }
    return vector;
}

std::string cut_at_stop(std::string text, const std::vector<std::string>& stops, std::string& met) {
    std::size_t first = std::string::npos;
    met.clear();
    for (const std::string& stop : stops) {
        const std::size_t at = stop.empty() ? std::string::npos : text.find(stop);
        if (at < first) {
            first = at;
            met = stop;
        }
    }
    text.resize(std::min(first, text.size()));
    return text;
}

} // namespace hearth::echo
