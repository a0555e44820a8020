#include "registry/pull/shard_name.hpp"

#include "registry/name_text.hpp"

#include <algorithm>
#include <charconv>

namespace hearth::registry {

namespace {

constexpr int most_shards = 512;

int number_of(std::string_view digits) {
    int value = 0;
    const bool all_digits = std::ranges::all_of(digits, name_text::is_digit);
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return all_digits ? value : 0;
}

} // namespace

ShardName parse_shard_name(std::string_view path) {
    constexpr std::string_view pattern = "-00001-of-00001"; // for its length
    if (path.size() > 5 && name_text::equal_without_case(path.substr(path.size() - 5), ".gguf")) {
        path.remove_suffix(5);
    }
    ShardName whole{std::string(path), 1, 1};
    if (path.size() <= pattern.size()) {
        return whole;
    }
    const std::string_view suffix = path.substr(path.size() - pattern.size());
    const int shard = number_of(suffix.substr(1, 5));
    const int of = number_of(suffix.substr(10, 5));
    if (suffix[0] != '-' || suffix.substr(6, 4) != "-of-" || of < 1 || of > most_shards || shard < 1 ||
        shard > of) {
        return whole;
    }
    return {std::string(path.substr(0, path.size() - pattern.size())), shard, of};
}

} // namespace hearth::registry
