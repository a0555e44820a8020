#include "registry/gguf/values.hpp"

#include <fmt/format.h>
#include <utility>

namespace hearth::registry::gguf {
namespace {

constexpr std::uint32_t newest_type = static_cast<std::uint32_t>(ValueType::f64);

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

} // namespace

std::uint64_t element_bytes(ValueType type) noexcept {
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

std::uint64_t string_limit(std::string_view key) noexcept {
    return key == "tokenizer.huggingface.json" ? limits::tokenizer_json_bytes : limits::string_bytes;
}

Value ValueReader::read(std::string_view key) {
    const ValueType type = read_type(reader_);
    if (key == "general.alignment" && type != ValueType::u32) // the engine reads no other
        reader_.fail("the alignment is no 32-bit unsigned number");
    return read_value(key, type);
}

Value ValueReader::read_value(std::string_view key, ValueType type) {
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

bool ValueReader::keeps(const Array& array) const noexcept {
    return (options_.keep_long_arrays || array.count <= limits::small_array) &&
           kept_ + array.count <= limits::kept_elements;
}

Array ValueReader::read_array(std::string_view key) {
    Array array;
    array.element = read_type(reader_);
    if (array.element == ValueType::array)
        reader_.fail("an array of arrays");
    array.count = reader_.integer<std::uint64_t>();
    if (array.count > limits::array_elements)
        reader_.fail(fmt::format("an array of {} elements, at most {} are allowed", array.count,
                                 limits::array_elements));
    reader_.require(array.count * element_bytes(array.element)); // before anything is reserved for them
    if (keeps(array))
        read_elements(array, string_limit(key));
    else
        skip_elements(array, string_limit(key));
    return array;
}

void ValueReader::read_elements(Array& array, std::uint64_t text_limit) {
    kept_ += array.count;
    switch (array.element) {
    case ValueType::string:
        array.elements =
            read_many<std::string>(array.count, [&] { return reader_.string(text_limit, "text"); });
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

void ValueReader::skip_elements(const Array& array, std::uint64_t text_limit) {
    if (array.element == ValueType::string)
        reader_.skip_strings(array.count, text_limit, "text");
    else
        reader_.skip(array.count * element_bytes(array.element)); // ≤ 4 Mi × 8
}

} // namespace hearth::registry::gguf
