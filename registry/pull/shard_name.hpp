#pragma once

#include <string>
#include <string_view>

namespace hearth::registry {

/// A file's path taken apart as llama.cpp's splitter names shards: "a/m-00002-of-00003.gguf".
struct ShardName {
    std::string stem; ///< "a/m": without shard suffix and ".gguf"
    int shard = 1;    ///< 1 … of
    int of = 1;
};

/// A suffix that cannot be a shard's (part 4 of 3, of 0) belongs to the stem. Never throws.
ShardName parse_shard_name(std::string_view path);

} // namespace hearth::registry
