#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::testing {

/// Builds GGUF v3 files in memory, right ones and wrong ones. Independent of the parser: it shares no code
/// with it. Keys and tensors are written in the order of the calls.
class GgufWriter {
  public:
    GgufWriter& text(std::string_view key, std::string_view value);
    GgufWriter& u16(std::string_view key, std::uint16_t value);
    GgufWriter& u32(std::string_view key, std::uint32_t value);
    GgufWriter& i32(std::string_view key, std::int32_t value);
    GgufWriter& u64(std::string_view key, std::uint64_t value);
    GgufWriter& f32(std::string_view key, float value);
    GgufWriter& boolean(std::string_view key, bool value);
    GgufWriter& texts(std::string_view key, const std::vector<std::string>& values);
    GgufWriter& u32s(std::string_view key, const std::vector<std::uint32_t>& values);
    GgufWriter& f32s(std::string_view key, const std::vector<float>& values);
    /// Any bytes behind a key: type id as written, then `payload`.
    GgufWriter& raw_value(std::string_view key, std::uint32_t type, std::string_view payload);

    /// A tensor of F32 (type 0) zeros, or of `data` when given. `dims[0]` is the row.
    GgufWriter& tensor(std::string_view name, const std::vector<std::uint64_t>& dims,
                       std::string_view data = {});
    /// Any tensor info, its offset and data size as told; no check at all.
    GgufWriter& raw_tensor(std::string_view name, const std::vector<std::uint64_t>& dims, std::uint32_t type,
                           std::uint64_t offset, std::uint64_t data_bytes);

    // What the head says, where it shall be wrong.
    GgufWriter& magic(std::string_view four_bytes);
    GgufWriter& version(std::uint32_t value);
    GgufWriter& tensor_count(std::uint64_t value);
    GgufWriter& key_count(std::uint64_t value);
    /// Padding used in the file; also writes `general.alignment`.
    GgufWriter& alignment(std::uint32_t value);

    /// Header with its padding.
    std::string header() const;
    /// Header and data.
    std::string bytes() const;

  private:
    void begin(std::string_view key, std::uint32_t type);

    std::string magic_ = "GGUF";
    std::uint32_t version_ = 3;
    std::uint64_t keys_ = 0;
    std::uint64_t tensors_ = 0;
    std::optional<std::uint64_t> stated_keys_;
    std::optional<std::uint64_t> stated_tensors_;
    std::uint32_t alignment_ = 32;
    std::string metadata_;
    std::string infos_;
    std::string data_;
};

/// Little-endian bytes, for `raw_value`.
std::string little_endian(std::uint64_t value, int bytes);
/// u64 length and the bytes.
std::string gguf_string(std::string_view text);

/// A GGUF that is right in every field, with a llama-like architecture and a few small F32 tensors (not
/// enough to run).
/// @param salt  changes the weights, so that digests differ
GgufWriter small_llama(std::string_view name = "tiny", std::uint32_t salt = 0);

} // namespace hearth::testing
