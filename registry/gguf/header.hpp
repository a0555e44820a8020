#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// Our own reader of GGUF headers: bounds-checked, linear, typed errors, no code of llama.cpp (memory.md 1.4,
/// security.md 2). The layout is in memory.md 1.1.
namespace hearth::registry::gguf {

class ByteSource;
struct TensorType;

/// What a file may ask of us before it is refused. What is allocated grows with the bytes that were read, never
/// with what they claim.
namespace limits {
inline constexpr std::uint64_t header_bytes = std::uint64_t{64} << 20;
inline constexpr std::uint64_t keys = 4096;
inline constexpr std::uint64_t tensors = 65'536;
inline constexpr std::uint64_t key_bytes = 256;
inline constexpr std::uint64_t tensor_name_bytes = 63;
inline constexpr std::uint64_t string_bytes = std::uint64_t{1} << 20;
inline constexpr std::uint64_t tokenizer_json_bytes = std::uint64_t{32} << 20; ///< tokenizer.huggingface.json
inline constexpr std::uint64_t array_elements = std::uint64_t{4} << 20;
inline constexpr std::uint64_t small_array = 1024;                     ///< arrays up to here are always kept
inline constexpr std::uint64_t kept_elements = std::uint64_t{8} << 20; ///< of all arrays together
} // namespace limits

enum class ValueType : std::uint8_t {
    u8,
    i8,
    u16,
    i16,
    u32,
    i32,
    f32,
    boolean,
    string,
    array,
    u64,
    i64,
    f64
};

/// Elements are absent where the array was longer than the caller wanted to keep.
struct Array {
    ValueType element = ValueType::u8;
    std::uint64_t count = 0;
    std::variant<std::monostate, std::vector<std::uint64_t>, std::vector<std::int64_t>, std::vector<double>,
                 std::vector<bool>, std::vector<std::string>>
        elements;
};

/// Integers are widened; f32 stays float, so that it prints as it was written.
using Value = std::variant<std::uint64_t, std::int64_t, float, double, bool, std::string, Array>;

struct KeyValue {
    std::string key;
    Value value;
};

struct TensorInfo {
    std::string name;
    std::array<std::uint64_t, 4> dims{1, 1, 1, 1}; ///< dims[0] is the row; those past `dimensions` are 1
    std::uint32_t dimensions = 0;
    const TensorType* type = nullptr; ///< static table, never null after parsing
    std::uint64_t offset = 0;         ///< from data_offset
    std::uint64_t elements = 0;
    std::uint64_t bytes = 0;
};

/// A header that passed every check.
struct Header {
    std::uint32_t version = 0;
    std::uint32_t alignment = 32;
    std::vector<KeyValue> keys; ///< in file order, no key twice
    std::vector<TensorInfo> tensors;
    std::uint64_t data_offset = 0; ///< where tensor data starts
    std::uint64_t end_offset =
        0; ///< one past the last tensor's data: the size of the file without its last padding

    const Value* find(std::string_view key) const;
    /// Typed values: absent gives nullopt. @throws Error model_invalid naming the key when the type is
    /// another or does not fit
    std::optional<std::int64_t> integer(std::string_view key) const;
    std::optional<std::string> text(std::string_view key) const;
    std::optional<bool> boolean(std::string_view key) const;

    /// Places in `keys`, sorted by key. No hash table: its hash is known, and a file of names that collide would
    /// make it quadratic.
    std::vector<std::uint32_t> index;

    Header() = default;
    Header(Header&&) = default;
    Header& operator=(Header&&) = default;
    Header(const Header&) = delete; // may hold megabytes: copied by mistake only
    Header& operator=(const Header&) = delete;
};

struct ParseOptions {
    bool keep_long_arrays =
        false; ///< also arrays above limits::small_array, as long as limits::kept_elements allow
};

/// More bytes are needed before the header is complete: read the file up to `at_least` and parse again.
struct NeedMoreBytes {
    std::uint64_t at_least = 0;
};

/// Parses the header of a file that is all there.
/// @throws Error  model_invalid: not a GGUF, version or byte order we do not read, over a limit, data beyond
/// the end of the file, or bytes behind the data
Header parse_header(const ByteSource& source, ParseOptions options = {});

/// The same from the first bytes of a file.
/// @throws Error  as parse_header; what can be refused early is
std::expected<Header, NeedMoreBytes> try_parse_header(const ByteSource& source, ParseOptions options = {});

/// What the first bytes of a file hold of its header.
struct HeaderPrefix {
    Header header;         ///< every key that is whole; tensors and offsets only when complete
    bool complete = false; ///< `header` is the whole header
    bool has_all_keys = false;
    std::uint64_t tensors_stated = 0; ///< by the head of the file
    std::uint64_t at_least = 0;       ///< bytes to have before the next try; 0 when complete
};

/// Takes what is there: the keys before the tokenizer are the hyper-parameters, and lie in the first
/// kilobytes. As bounds-checked and linear as the others.
/// @throws Error  as try_parse_header; fewer than 24 bytes of a longer file give no key
HeaderPrefix parse_header_prefix(const ByteSource& source, ParseOptions options = {});

} // namespace hearth::registry::gguf
