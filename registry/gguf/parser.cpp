#include "base/error.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/header.hpp"
#include "registry/gguf/reader.hpp"
#include "registry/gguf/types.hpp"
#include "registry/gguf/values.hpp"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <numeric>
#include <utility>

namespace hearth::registry::gguf {
namespace {

constexpr std::uint32_t largest_alignment = 1U << 20;
constexpr std::uint64_t default_alignment = 32;
// The least a key (length, one byte, type, one byte) and a tensor info (length, one byte, count, one dimension,
// type, offset) can take.
constexpr std::uint64_t least_key_bytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t least_tensor_bytes = 8 + 1 + 4 + 8 + 4 + 8;

[[noreturn]] void refuse(const std::string& text, const char* hint = "") {
    throw Error(ErrorCode::model_invalid, text, hint);
}

/// One walk through one header.
class Parser {
  public:
    Parser(const ByteSource& source, ParseOptions options) : reader_(source), values_(reader_, options) {}

    Header parse();
    HeaderPrefix parse_what_is_there();

  private:
    void read_head();
    void read_keys();
    KeyValue read_key_value(std::uint64_t number);
    void index_keys();
    void take_alignment();
    void read_tensors();
    TensorInfo read_tensor(std::uint64_t number);
    void read_dimensions(TensorInfo& tensor);
    void size_tensor(TensorInfo& tensor, std::uint32_t type);
    void check_names() const;
    void place_tensors();
    void check_end() const;

    Reader reader_;
    ValueReader values_;
    Header header_;
    std::uint64_t key_count_ = 0;
    std::uint64_t tensor_count_ = 0;
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
    reader_.set_context("key", number + 1, key_count_);
    KeyValue pair{.key = reader_.string(limits::key_bytes, "key"), .value = {}};
    if (!is_key(pair.key))
        reader_.fail("the key is empty or holds odd characters");
    reader_.set_name(pair.key);
    pair.value = values_.read(pair.key);
    reader_.set_name({});
    return pair;
}

void Parser::read_keys() {
    header_.keys.reserve(std::min(key_count_, reader_.left_here() / least_key_bytes));
    for (std::uint64_t i = 0; i < key_count_; ++i)
        header_.keys.push_back(read_key_value(i));
}

void Parser::index_keys() {
    header_.index.resize(header_.keys.size());
    std::iota(header_.index.begin(), header_.index.end(), 0U);
    const auto name = [this](std::uint32_t place) { return std::string_view(header_.keys[place].key); };
    std::ranges::sort(header_.index, {}, name);
    const auto twice = std::ranges::adjacent_find(header_.index, {}, name);
    if (twice != header_.index.end())
        refuse(fmt::format("bad GGUF: key '{}' is there twice", name(*twice)));
}

void Parser::take_alignment() {
    const Value* value = header_.find("general.alignment");
    if (value == nullptr)
        return;
    const std::uint64_t alignment = std::get<std::uint64_t>(*value); // ValueReader lets nothing else through
    if (!std::has_single_bit(alignment) || alignment > largest_alignment)
        refuse(fmt::format("bad GGUF: the alignment is {}, no power of two up to 1 MiB", alignment));
    header_.alignment = static_cast<std::uint32_t>(alignment);
}

void Parser::read_dimensions(TensorInfo& tensor) {
    tensor.dimensions = reader_.integer<std::uint32_t>();
    if (tensor.dimensions == 0 || tensor.dimensions > tensor.dims.size())
        reader_.fail(fmt::format("{} dimensions, not 1 to 4", tensor.dimensions));
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
    reader_.set_context("tensor", number + 1, tensor_count_);
    TensorInfo tensor;
    tensor.name = reader_.string(limits::tensor_name_bytes, "tensor name");
    if (tensor.name.empty())
        reader_.fail("a tensor without a name");
    reader_.set_name(tensor.name);
    read_dimensions(tensor);
    size_tensor(tensor, reader_.integer<std::uint32_t>());
    tensor.offset = reader_.integer<std::uint64_t>();
    reader_.set_name({});
    return tensor;
}

/// By sorting, as the keys: names are any bytes, and could be made to collide in any known hash.
void Parser::check_names() const {
    std::vector<std::string_view> names(header_.tensors.size());
    std::ranges::transform(header_.tensors, names.begin(), &TensorInfo::name);
    std::ranges::sort(names);
    const auto twice = std::ranges::adjacent_find(names);
    if (twice != names.end())
        refuse(fmt::format("bad GGUF: tensor '{}' is there twice", *twice));
}

/// ggml wants tensors one behind the other, in order, each padded to the alignment; so do we. All of them
/// must lie in the file.
void Parser::place_tensors() {
    const std::uint64_t mask = header_.alignment - 1;
    header_.data_offset = (reader_.position() + mask) & ~mask; // position ≤ 64 MiB
    header_.end_offset = reader_.position();
    std::uint64_t expected = 0;
    for (const TensorInfo& tensor : header_.tensors) {
        if (tensor.offset != expected)
            refuse(fmt::format("bad GGUF: tensor '{}' starts at {}, not at {}", tensor.name, tensor.offset,
                               expected));
        std::uint64_t end = 0;
        if (__builtin_add_overflow(expected, tensor.bytes, &end) ||
            end > static_cast<std::uint64_t>(INT64_MAX) - header_.data_offset - mask)
            refuse("bad GGUF: the sizes of the tensors overflow");
        header_.end_offset = header_.data_offset + end;
        if (header_.end_offset > reader_.file_size())
            refuse(fmt::format(
                       "truncated GGUF: tensor '{}' ends at byte {}, the file has {}: {} bytes are missing",
                       tensor.name, header_.end_offset, reader_.file_size(),
                       header_.end_offset - reader_.file_size()),
                   "the download or copy is incomplete; pull it again");
        expected = (end + mask) & ~mask;
    }
    check_end();
}

/// The header says where the file ends (memory.md 1.4). Writers pad the last tensor or do not; llama.cpp's gguf-split
/// pads to 32 whatever alignment the file states.
void Parser::check_end() const {
    if (reader_.file_size() == ByteSource::unknown_size)
        return;
    const std::uint64_t step = std::max<std::uint64_t>(header_.alignment, default_alignment);
    const std::uint64_t data = std::max(header_.end_offset, header_.data_offset) - header_.data_offset;
    const std::uint64_t padding = (step - data % step) % step;
    const std::uint64_t last =
        header_.data_offset + data + padding; // no overflow: place_tensors left room for a step
    if (reader_.file_size() > last)
        refuse(
            fmt::format("bad GGUF: the last tensor ends at byte {}, the file has {}: {} bytes are too many",
                        header_.end_offset, reader_.file_size(), reader_.file_size() - header_.end_offset),
            "the file is damaged or was put together from several; get it again");
}

void Parser::read_tensors() {
    header_.tensors.reserve(std::min(tensor_count_, reader_.left_here() / least_tensor_bytes));
    for (std::uint64_t i = 0; i < tensor_count_; ++i)
        header_.tensors.push_back(read_tensor(i));
    check_names();
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
