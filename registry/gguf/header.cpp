#include "registry/gguf/header.hpp"

#include "base/error.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/reader.hpp"
#include "registry/gguf/types.hpp"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <unordered_set>
#include <utility>

namespace hearth::registry::gguf {
namespace {

constexpr std::uint32_t newest_type = static_cast<std::uint32_t>(ValueType::f64);
constexpr std::uint32_t largest_alignment = 1U << 20;
// The least a key (length, one byte, type, one byte) and a tensor info (length, one byte, count, type,
// offset) can take.
constexpr std::uint64_t least_key_bytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t least_tensor_bytes = 8 + 1 + 4 + 4 + 8;

[[noreturn]] void refuse(const std::string& text, const char* hint = "") {
    throw Error(ErrorCode::model_invalid, text, hint);
}

std::uint64_t element_bytes(ValueType type) {
    switch (type) {
    case ValueType::u8:
    case ValueType::i8:
    case ValueType::boolean:
        return 1;
    case ValueType::u16:
    case ValueType::i16:
        return 2;
    case ValueType::u32:
    case ValueType::i32:
    case ValueType::f32:
        return 4;
    default: // a string is at least its length; arrays do not nest
        return 8;
    }
}

std::uint64_t string_limit(std::string_view key) {
    return key == "tokenizer.huggingface.json" ? limits::tokenizer_json_bytes : limits::string_bytes;
}

ValueType read_type(Reader& reader) {
    const auto type = reader.integer<std::uint32_t>();
    if (type > newest_type)
        reader.fail(fmt::format("value type {} is unknown", type));
    return static_cast<ValueType>(type);
}

std::uint64_t read_unsigned(Reader& reader, ValueType type) {
    switch (type) {
    case ValueType::u8:
        return reader.integer<std::uint8_t>();
    case ValueType::u16:
        return reader.integer<std::uint16_t>();
    case ValueType::u32:
        return reader.integer<std::uint32_t>();
    default:
        return reader.integer<std::uint64_t>();
    }
}

std::int64_t read_signed(Reader& reader, ValueType type) {
    switch (type) {
    case ValueType::i8:
        return reader.integer<std::int8_t>();
    case ValueType::i16:
        return reader.integer<std::int16_t>();
    case ValueType::i32:
        return reader.integer<std::int32_t>();
    default:
        return reader.integer<std::int64_t>();
    }
}

template <class Element, class Read> std::vector<Element> read_many(std::uint64_t count, Read read) {
    std::vector<Element> elements;
    elements.reserve(count); // count × least size was checked against the bytes left
    for (std::uint64_t i = 0; i < count; ++i)
        elements.push_back(read());
    return elements;
}

/// The part of the parse that has state: what may still be kept.
class Parser {
  public:
    Parser(const ByteSource& source, ParseOptions options) : reader_(source), options_(options) {}

    Header parse();
    HeaderPrefix parse_what_is_there();

  private:
    void read_head();
    void read_keys();
    KeyValue read_key_value(std::uint64_t number);
    Value read_value(const std::string& key, ValueType type);
    Array read_array(const std::string& key);
    void read_elements(Array& array, std::uint64_t limit);
    void skip_elements(const Array& array, std::uint64_t limit);
    void index_keys();
    void take_alignment();
    TensorInfo read_tensor(std::uint64_t number);
    void read_dimensions(TensorInfo& tensor);
    void size_tensor(TensorInfo& tensor, std::uint32_t type);
    void place_tensors();
    void read_tensors();

    Reader reader_;
    ParseOptions options_;
    Header header_;
    std::uint64_t key_count_ = 0;
    std::uint64_t tensor_count_ = 0;
    std::uint64_t kept_ = 0;
};

void Parser::read_head() {
    char magic[4];
    if (reader_.file_size() < 24)
        refuse(fmt::format("not a GGUF file: {} bytes are too few", reader_.file_size()));
    for (char& c : magic)
        c = static_cast<char>(reader_.integer<std::uint8_t>());
    if (std::string_view(magic, 4) != "GGUF")
        refuse("not a GGUF file: it does not start with 'GGUF'");
    header_.version = reader_.integer<std::uint32_t>();
    if (header_.version != 0 && (header_.version & 0xffff) == 0)
        refuse("a big-endian GGUF file: only little-endian ones can be used here",
               "get the little-endian file of this model");
    if (header_.version < 2)
        refuse(fmt::format("GGUF version {} is too old", header_.version),
               "convert it with llama.cpp, or get a newer file of this model");
    if (header_.version > 3)
        refuse(fmt::format("GGUF version {} is newer than this Hearth reads (2 and 3)", header_.version),
               "update Hearth");
    tensor_count_ = reader_.integer<std::uint64_t>();
    key_count_ = reader_.integer<std::uint64_t>();
    if (tensor_count_ > limits::tensors || tensor_count_ > reader_.left() / least_tensor_bytes)
        reader_.fail(fmt::format("{} tensors do not fit in it", tensor_count_));
    if (key_count_ > limits::keys || key_count_ > reader_.left() / least_key_bytes)
        reader_.fail(fmt::format("{} keys do not fit in it", key_count_));
}

bool is_key(std::string_view key) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '_' || c == '-';
    };
    return !key.empty() && std::ranges::all_of(key, allowed);
}

KeyValue Parser::read_key_value(std::uint64_t number) {
    reader_.set_context(fmt::format("key {} of {}", number + 1, key_count_));
    std::string key = reader_.string(limits::key_bytes, "key");
    if (!is_key(key))
        reader_.fail("the key is empty or holds odd characters");
    reader_.set_context("key '" + key + "'");
    Value value = read_value(key, read_type(reader_));
    return {std::move(key), std::move(value)};
}

Value Parser::read_value(const std::string& key, ValueType type) {
    switch (type) {
    case ValueType::u8:
    case ValueType::u16:
    case ValueType::u32:
    case ValueType::u64:
        return read_unsigned(reader_, type);
    case ValueType::i8:
    case ValueType::i16:
    case ValueType::i32:
    case ValueType::i64:
        return read_signed(reader_, type);
    case ValueType::f32:
        return reader_.f32();
    case ValueType::f64:
        return reader_.f64();
    case ValueType::boolean:
        return reader_.integer<std::uint8_t>() != 0;
    case ValueType::string:
        return reader_.string(string_limit(key), "text");
    case ValueType::array:
        return read_array(key);
    }
    std::unreachable(); // read_type lets nothing else through
}

Array Parser::read_array(const std::string& key) {
    Array array;
    array.element = read_type(reader_);
    if (array.element == ValueType::array)
        reader_.fail("an array of arrays");
    array.count = reader_.integer<std::uint64_t>();
    if (array.count > limits::array_elements)
        reader_.fail(fmt::format("an array of {} elements, at most {} are allowed", array.count,
                                 limits::array_elements));
    reader_.require(array.count * element_bytes(array.element)); // before anything is reserved for them
    const bool keep = (options_.keep_long_arrays || array.count <= limits::small_array) &&
                      kept_ + array.count <= limits::kept_elements;
    if (keep)
        read_elements(array, string_limit(key));
    else
        skip_elements(array, string_limit(key));
    return array;
}

void Parser::read_elements(Array& array, std::uint64_t limit) {
    kept_ += array.count;
    switch (array.element) {
    case ValueType::string:
        array.elements = read_many<std::string>(array.count, [&] { return reader_.string(limit, "text"); });
        break;
    case ValueType::boolean:
        array.elements = read_many<bool>(array.count, [&] { return reader_.integer<std::uint8_t>() != 0; });
        break;
    case ValueType::f32:
        array.elements = read_many<double>(array.count, [&] { return static_cast<double>(reader_.f32()); });
        break;
    case ValueType::f64:
        array.elements = read_many<double>(array.count, [&] { return reader_.f64(); });
        break;
    case ValueType::i8:
    case ValueType::i16:
    case ValueType::i32:
    case ValueType::i64:
        array.elements =
            read_many<std::int64_t>(array.count, [&] { return read_signed(reader_, array.element); });
        break;
    default:
        array.elements =
            read_many<std::uint64_t>(array.count, [&] { return read_unsigned(reader_, array.element); });
    }
}

void Parser::skip_elements(const Array& array, std::uint64_t limit) {
    if (array.element != ValueType::string)
        return reader_.skip(array.count * element_bytes(array.element)); // ≤ 4 Mi × 8
    for (std::uint64_t i = 0; i < array.count; ++i)
        reader_.skip_string(limit, "text");
}

void Parser::index_keys() {
    header_.index.reserve(header_.keys.size());
    for (std::size_t i = 0; i < header_.keys.size(); ++i)
        if (!header_.index.emplace(header_.keys[i].key, i).second)
            refuse("bad GGUF: key '" + header_.keys[i].key + "' is there twice");
}

void Parser::take_alignment() {
    const Value* value = header_.find("general.alignment");
    if (value == nullptr)
        return;
    const auto* alignment = std::get_if<std::uint64_t>(value);
    if (alignment == nullptr || !std::has_single_bit(*alignment) || *alignment > largest_alignment)
        refuse("bad GGUF: general.alignment is not a power of two up to 1 MiB");
    header_.alignment = static_cast<std::uint32_t>(*alignment);
}

void Parser::read_dimensions(TensorInfo& tensor) {
    tensor.dimensions = reader_.integer<std::uint32_t>();
    if (tensor.dimensions > tensor.dims.size())
        reader_.fail(fmt::format("{} dimensions, at most 4 are allowed", tensor.dimensions));
    tensor.elements = 1;
    for (std::uint32_t i = 0; i < tensor.dimensions; ++i) {
        tensor.dims[i] = reader_.integer<std::uint64_t>();
        if (tensor.dims[i] == 0 || tensor.dims[i] > static_cast<std::uint64_t>(INT64_MAX))
            reader_.fail("a dimension below 1");
        if (__builtin_mul_overflow(tensor.elements, tensor.dims[i], &tensor.elements))
            reader_.fail("the number of elements overflows");
    }
}

void Parser::size_tensor(TensorInfo& tensor, std::uint32_t type) {
    tensor.type = find_tensor_type(type);
    if (tensor.type == nullptr)
        reader_.fail(fmt::format("tensor type {} is unknown or was removed from the format", type));
    if (tensor.dims[0] % tensor.type->block_elements != 0)
        reader_.fail(fmt::format("a row of {} elements is no whole number of {} blocks", tensor.dims[0],
                                 tensor.type->name));
    if (__builtin_mul_overflow(tensor.elements / tensor.type->block_elements,
                               std::uint64_t{tensor.type->block_bytes}, &tensor.bytes))
        reader_.fail("the number of bytes overflows");
}

TensorInfo Parser::read_tensor(std::uint64_t number) {
    reader_.set_context(fmt::format("tensor {} of {}", number + 1, tensor_count_));
    TensorInfo tensor;
    tensor.name = reader_.string(limits::tensor_name_bytes, "tensor name");
    if (tensor.name.empty())
        reader_.fail("a tensor without a name");
    read_dimensions(tensor);
    size_tensor(tensor, reader_.integer<std::uint32_t>());
    tensor.offset = reader_.integer<std::uint64_t>();
    return tensor;
}

/// ggml wants tensors one behind the other, in order, each padded to the alignment; so do we. All of them
/// must lie in the file.
void Parser::place_tensors() {
    const std::uint64_t mask = header_.alignment - 1;
    header_.data_offset = (reader_.position() + mask) & ~mask; // position ≤ 256 MiB
    std::unordered_set<std::string_view> names;
    std::uint64_t expected = 0;
    std::uint64_t end = 0;
    for (const TensorInfo& tensor : header_.tensors) {
        if (!names.insert(tensor.name).second)
            refuse("bad GGUF: tensor '" + tensor.name + "' is there twice");
        if (tensor.offset != expected)
            refuse(fmt::format("bad GGUF: tensor '{}' starts at {}, not at {}", tensor.name, tensor.offset,
                               expected));
        if (__builtin_add_overflow(expected, tensor.bytes, &end) ||
            end > static_cast<std::uint64_t>(INT64_MAX) - header_.data_offset - mask)
            refuse("bad GGUF: the sizes of the tensors overflow");
        const std::uint64_t needed = header_.data_offset + end;
        if (needed > reader_.file_size())
            refuse(fmt::format(
                       "truncated GGUF: tensor '{}' ends at byte {}, the file has {}: {} bytes are missing",
                       tensor.name, needed, reader_.file_size(), needed - reader_.file_size()),
                   "the download or copy is incomplete; pull it again");
        expected = (end + mask) & ~mask;
    }
    header_.end_offset = header_.tensors.empty() ? reader_.position() : header_.data_offset + end;
}

void Parser::read_keys() {
    header_.keys.reserve(key_count_);
    for (std::uint64_t i = 0; i < key_count_; ++i)
        header_.keys.push_back(read_key_value(i));
}

void Parser::read_tensors() {
    header_.tensors.reserve(tensor_count_);
    for (std::uint64_t i = 0; i < tensor_count_; ++i)
        header_.tensors.push_back(read_tensor(i));
    place_tensors();
}

Header Parser::parse() {
    read_head();
    read_keys();
    index_keys();
    take_alignment();
    read_tensors();
    return std::move(header_);
}

HeaderPrefix Parser::parse_what_is_there() {
    HeaderPrefix prefix;
    try {
        read_head();
        read_keys();
        prefix.has_all_keys = true;
    } catch (const Reader::Starved& starved) {
        prefix.at_least = starved.at_least;
    }
    index_keys();
    take_alignment();
    try {
        if (prefix.has_all_keys) {
            read_tensors();
            prefix.complete = true;
        }
    } catch (const Reader::Starved& starved) {
        prefix.at_least = starved.at_least;
        header_.tensors.clear(); // not placed: nothing may be concluded from them
    }
    prefix.tensors_stated = tensor_count_;
    prefix.header = std::move(header_);
    return prefix;
}

} // namespace

const Value* Header::find(std::string_view key) const {
    const auto found = index.find(key);
    return found == index.end() ? nullptr : &keys[found->second].value;
}

std::optional<std::int64_t> Header::integer(std::string_view key) const {
    const Value* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (const auto* number = std::get_if<std::int64_t>(value))
        return *number;
    if (const auto* number = std::get_if<std::uint64_t>(value);
        number != nullptr && *number <= static_cast<std::uint64_t>(INT64_MAX))
        return static_cast<std::int64_t>(*number);
    refuse(fmt::format("bad GGUF: '{}' is not a whole number", key));
}

std::optional<std::string> Header::text(std::string_view key) const {
    const Value* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (const auto* text = std::get_if<std::string>(value))
        return *text;
    refuse(fmt::format("bad GGUF: '{}' is not text", key));
}

std::optional<bool> Header::boolean(std::string_view key) const {
    const Value* value = find(key);
    if (value == nullptr)
        return std::nullopt;
    if (const auto* flag = std::get_if<bool>(value))
        return *flag;
    refuse(fmt::format("bad GGUF: '{}' is neither true nor false", key));
}

std::expected<Header, NeedMoreBytes> try_parse_header(const ByteSource& source, ParseOptions options) {
    try {
        return Parser(source, options).parse();
    } catch (const Reader::Starved& starved) {
        return std::unexpected(NeedMoreBytes{starved.at_least});
    }
}

HeaderPrefix parse_header_prefix(const ByteSource& source, ParseOptions options) {
    return Parser(source, options).parse_what_is_there();
}

Header parse_header(const ByteSource& source, ParseOptions options) {
    auto header = try_parse_header(source, options);
    if (!header) // only a source that holds less than it says
        throw Error(ErrorCode::model_invalid, "truncated GGUF: the header is not complete");
    return std::move(*header);
}

} // namespace hearth::registry::gguf
