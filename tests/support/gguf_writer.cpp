#include "tests/support/gguf_writer.hpp"

#include <bit>
#include <cstring>

namespace hearth::testing {
namespace {

constexpr std::uint32_t type_u16 = 2;
constexpr std::uint32_t type_u32 = 4;
constexpr std::uint32_t type_i32 = 5;
constexpr std::uint32_t type_f32 = 6;
constexpr std::uint32_t type_bool = 7;
constexpr std::uint32_t type_string = 8;
constexpr std::uint32_t type_array = 9;
constexpr std::uint32_t type_u64 = 10;

void pad(std::string& bytes, std::uint32_t alignment) {
    if (alignment != 0)
        bytes.resize((bytes.size() + alignment - 1) / alignment * alignment, '\0');
}

} // namespace

std::string little_endian(std::uint64_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i)
        out += static_cast<char>(value >> (8 * i) & 0xff);
    return out;
}

std::string gguf_string(std::string_view text) {
    return little_endian(text.size(), 8) + std::string(text);
}

void GgufWriter::begin(std::string_view key, std::uint32_t type) {
    metadata_ += gguf_string(key) + little_endian(type, 4);
    ++keys_;
}

GgufWriter& GgufWriter::text(std::string_view key, std::string_view value) {
    return raw_value(key, type_string, gguf_string(value));
}

GgufWriter& GgufWriter::u16(std::string_view key, std::uint16_t value) {
    return raw_value(key, type_u16, little_endian(value, 2));
}

GgufWriter& GgufWriter::u32(std::string_view key, std::uint32_t value) {
    return raw_value(key, type_u32, little_endian(value, 4));
}

GgufWriter& GgufWriter::i32(std::string_view key, std::int32_t value) {
    return raw_value(key, type_i32, little_endian(static_cast<std::uint32_t>(value), 4));
}

GgufWriter& GgufWriter::u64(std::string_view key, std::uint64_t value) {
    return raw_value(key, type_u64, little_endian(value, 8));
}

GgufWriter& GgufWriter::f32(std::string_view key, float value) {
    return raw_value(key, type_f32, little_endian(std::bit_cast<std::uint32_t>(value), 4));
}

GgufWriter& GgufWriter::boolean(std::string_view key, bool value) {
    return raw_value(key, type_bool, little_endian(value ? 1 : 0, 1));
}

GgufWriter& GgufWriter::texts(std::string_view key, const std::vector<std::string>& values) {
    std::string payload = little_endian(type_string, 4) + little_endian(values.size(), 8);
    for (const std::string& value : values)
        payload += gguf_string(value);
    return raw_value(key, type_array, payload);
}

GgufWriter& GgufWriter::u32s(std::string_view key, const std::vector<std::uint32_t>& values) {
    std::string payload = little_endian(type_u32, 4) + little_endian(values.size(), 8);
    for (const std::uint32_t value : values)
        payload += little_endian(value, 4);
    return raw_value(key, type_array, payload);
}

GgufWriter& GgufWriter::f32s(std::string_view key, const std::vector<float>& values) {
    std::string payload = little_endian(type_f32, 4) + little_endian(values.size(), 8);
    for (const float value : values)
        payload += little_endian(std::bit_cast<std::uint32_t>(value), 4);
    return raw_value(key, type_array, payload);
}

GgufWriter& GgufWriter::raw_value(std::string_view key, std::uint32_t type, std::string_view payload) {
    begin(key, type);
    metadata_ += payload;
    return *this;
}

GgufWriter& GgufWriter::tensor(std::string_view name, const std::vector<std::uint64_t>& dims,
                               std::string_view data) {
    std::uint64_t bytes = 4;
    for (const std::uint64_t dim : dims)
        bytes *= dim;
    pad(data_, alignment_);
    const std::size_t offset = data_.size();
    raw_tensor(name, dims, 0, offset, bytes);
    data_.replace(offset, std::min<std::size_t>(data.size(), bytes), data.substr(0, bytes));
    return *this;
}

GgufWriter& GgufWriter::raw_tensor(std::string_view name, const std::vector<std::uint64_t>& dims,
                                   std::uint32_t type, std::uint64_t offset, std::uint64_t data_bytes) {
    infos_ += gguf_string(name) + little_endian(dims.size(), 4);
    for (const std::uint64_t dim : dims)
        infos_ += little_endian(dim, 8);
    infos_ += little_endian(type, 4) + little_endian(offset, 8);
    ++tensors_;
    data_.resize(data_.size() + data_bytes, '\0');
    return *this;
}

GgufWriter& GgufWriter::magic(std::string_view four_bytes) {
    magic_ = four_bytes;
    return *this;
}

GgufWriter& GgufWriter::version(std::uint32_t value) {
    version_ = value;
    return *this;
}

GgufWriter& GgufWriter::tensor_count(std::uint64_t value) {
    stated_tensors_ = value;
    return *this;
}

GgufWriter& GgufWriter::key_count(std::uint64_t value) {
    stated_keys_ = value;
    return *this;
}

GgufWriter& GgufWriter::alignment(std::uint32_t value) {
    alignment_ = value;
    return u32("general.alignment", value);
}

std::string GgufWriter::header() const {
    std::string out = magic_ + little_endian(version_, 4);
    out += little_endian(stated_tensors_.value_or(tensors_), 8);
    out += little_endian(stated_keys_.value_or(keys_), 8);
    out += metadata_ + infos_;
    if (alignment_ <= 4096)
        pad(out, alignment_);
    return out;
}

std::string GgufWriter::bytes() const {
    return header() + data_;
}

GgufWriter small_llama(std::string_view name, std::uint32_t salt) {
    GgufWriter gguf;
    gguf.text("general.architecture", "llama").text("general.name", name).u32("general.file_type", 0);
    gguf.u32("llama.context_length", 2048).u32("llama.embedding_length", 8).u32("llama.block_count", 1);
    gguf.u32("llama.attention.head_count", 2).u32("llama.feed_forward_length", 16);
    gguf.f32("llama.attention.layer_norm_rms_epsilon", 1e-5F);
    gguf.text("tokenizer.ggml.model", "llama")
        .texts("tokenizer.ggml.tokens", {"<unk>", "<s>", "</s>", "a", "b", "c"});
    gguf.text("tokenizer.chat_template", "{% for message in messages %}{{ message.content }}{% endfor %}");
    gguf.tensor("token_embd.weight", {8, 6}, little_endian(salt, 4)).tensor("output_norm.weight", {8});
    return gguf;
}

} // namespace hearth::testing
