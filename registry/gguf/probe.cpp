#include "registry/gguf/probe.hpp"

#include "base/error.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/reader.hpp"
#include "registry/gguf/values.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

namespace hearth::registry::gguf {

namespace {

constexpr std::string_view tokenizer = "tokenizer.";
constexpr std::string_view tokens_key = "tokenizer.ggml.tokens";
constexpr std::string_view model_key = "tokenizer.ggml.model";
constexpr std::uint64_t head_bytes = 24; // magic, version, number of tensors, number of keys

void put_integer(std::string& out, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
        out.push_back(static_cast<char>(value >> (8 * i) & 0xff));
    }
}

void put_string(std::string& out, std::string_view text) {
    put_integer(out, text.size(), 8);
    out.append(text);
}

ValueType read_type(Reader& reader) {
    return static_cast<ValueType>(reader.integer<std::uint32_t>()); // the parser has seen it
}

void skip_array(Reader& reader, std::string_view key) {
    const ValueType element = read_type(reader);
    const auto count = reader.integer<std::uint64_t>();
    if (element != ValueType::string) {
        reader.skip(count * element_bytes(element));
    } else {
        reader.skip_strings(count, string_limit(key), "string");
    }
}

void skip_value(Reader& reader, std::string_view key, ValueType type) {
    if (type == ValueType::array) {
        skip_array(reader, key);
    } else if (type == ValueType::string) {
        reader.skip_strings(1, string_limit(key), "string");
    } else {
        reader.skip(element_bytes(type));
    }
}

/// Second walk through a header that the parser has accepted: copies the bytes of what stays.
class Copier {
  public:
    Copier(const ByteSource& source, const Header& header)
        : source_(source), header_(header), reader_(source) {
        const auto* tokens = header.find(tokens_key);
        const auto* array = tokens ? std::get_if<Array>(tokens) : nullptr;
        tokens_ = array ? std::optional(array->count) : std::nullopt;
        vocabulary_key_ = header.text("general.architecture").value_or("") + ".vocab_size";
    }

    Probe copy() {
        reader_.skip(head_bytes);
        for (std::size_t i = 0; i < header_.keys.size(); ++i) {
            copy_key();
        }
        if (header_.find("general.architecture")) { // later shards have no keys of the model
            add_own_keys();
        }
        const std::uint64_t infos = reader_.position();
        std::string out = "GGUF";
        put_integer(out, header_.version, 4);
        put_integer(out, header_.tensors.size(), 8);
        put_integer(out, kept_, 8);
        out += keys_;
        append(out, infos, end_of_infos() - infos);
        out.append((header_.alignment - out.size() % header_.alignment) % header_.alignment, '\0');
        const std::uint64_t data = header_.end_offset - header_.data_offset;
        const std::uint64_t bytes = out.size() + data;
        return {std::move(out), bytes};
    }

  private:
    void copy_key() {
        const std::uint64_t start = reader_.position();
        const std::string key = reader_.string(limits::key_bytes, "key");
        const ValueType type = read_type(reader_);
        skip_value(reader_, key, type);
        const bool plain = type != ValueType::array && type != ValueType::string;
        const bool counted_again = tokens_ && key == vocabulary_key_;
        if (counted_again || key == model_key || (key.starts_with(tokenizer) && !plain)) {
            return;
        }
        append(keys_, start, reader_.position() - start);
        ++kept_;
    }

    void add_own_keys() {
        put_string(keys_, model_key);
        put_integer(keys_, std::to_underlying(ValueType::string), 4);
        put_string(keys_, "none");
        ++kept_;
        if (tokens_) {
            put_string(keys_, vocabulary_key_);
            put_integer(keys_, std::to_underlying(ValueType::u32), 4);
            put_integer(keys_, *tokens_, 4);
            ++kept_;
        }
    }

    std::uint64_t end_of_infos() {
        for (const TensorInfo& tensor : header_.tensors) {
            reader_.skip_strings(1, limits::tensor_name_bytes, "tensor name");
            reader_.skip(4 + 8 * std::uint64_t{tensor.dimensions} + 4 + 8); // count, extents, type, offset
        }
        return reader_.position();
    }

    void append(std::string& out, std::uint64_t offset, std::uint64_t bytes) const {
        const std::size_t end = out.size();
        out.resize(end + bytes);
        source_.read(offset, std::span(out).subspan(end));
    }

    const ByteSource& source_;
    const Header& header_;
    Reader reader_;
    std::optional<std::uint64_t> tokens_; ///< of the tokenizer, if there is one
    std::string vocabulary_key_;
    std::string keys_;
    std::uint64_t kept_ = 0;
};

} // namespace

std::expected<Probe, NeedMoreBytes> try_make_probe(const ByteSource& source) {
    const auto header = try_parse_header(source);
    if (!header) {
        return std::unexpected(header.error());
    }
    return Copier(source, *header).copy();
}

UniqueFd open_probe(const Probe& probe) {
    UniqueFd file(::memfd_create("hearth-probe", MFD_CLOEXEC));
    if (!file) {
        throw system_error(errno, "making a file in memory");
    }
    std::string_view left = probe.header;
    while (!left.empty()) {
        const ssize_t written = ::write(file.get(), left.data(), left.size());
        if (written < 0 && errno != EINTR) {
            throw system_error(errno, "writing a file in memory");
        }
        left.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
    }
    if (::ftruncate(file.get(), static_cast<off_t>(probe.file_bytes)) != 0 ||
        ::lseek(file.get(), 0, SEEK_SET) != 0) {
        throw system_error(errno, "extending a file in memory");
    }
    return file;
}

} // namespace hearth::registry::gguf
