#include "base/error.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/header.hpp"
#include "registry/gguf/probe.hpp"
#include "registry/gguf/summary.hpp"

#include <algorithm>
#include <cstdlib>
#include <sanitizer/allocator_interface.h>

/// Whatever the bytes: a header that keeps its promises, or an Error, and never more memory than a small multiple
/// of what is there to read. One way of parsing for each run, chosen by the last byte, which is data in a good file.
namespace gguf = hearth::registry::gguf;

namespace {

/// Of what a parse may ask for in all: the largest element (a string of 32 bytes for a length of 8, twice while a
/// vector grows), and errors.
constexpr std::size_t bytes_per_byte = 16;
constexpr std::size_t bytes_beside = std::size_t{32} << 10;

std::size_t allocated = 0;

void count_allocation(const volatile void* /*block*/, std::size_t bytes) {
    allocated += bytes;
}

void ignore_release(const volatile void* /*block*/) {}

void check(bool promise) {
    if (!promise)
        std::abort();
}

void look_at(const gguf::Header& header) {
    const gguf::Summary summary = gguf::summarize(header);
    gguf::capabilities(header, summary, false, "");
}

void parse(const gguf::ByteSource& source, gguf::ParseOptions options) {
    const auto header = gguf::try_parse_header(source, options);
    if (!header) {
        check(header.error().at_least > source.available() && header.error().at_least <= source.size());
        return;
    }
    check(header->end_offset <= source.size() && header->keys.size() == header->index.size());
    const std::uint64_t most_padding = std::max<std::uint64_t>(header->alignment, 32);
    check(source.size() == gguf::ByteSource::unknown_size ||
          source.size() - header->end_offset <
              2 * most_padding); // before and behind the data, when it is empty
    for (const gguf::KeyValue& key : header->keys)
        check(header->find(key.key) == &key.value);
    look_at(*header);
}

void parse_beginning(const gguf::ByteSource& source) {
    const gguf::HeaderPrefix prefix = gguf::parse_header_prefix(source);
    check(prefix.header.keys.size() == prefix.header.index.size());
    check(prefix.complete == (prefix.at_least == 0) && (!prefix.complete || prefix.has_all_keys));
    check(prefix.complete || (prefix.at_least > source.available() && prefix.header.tensors.empty()));
    look_at(prefix.header);
}

/// A probe has the tensors of the header it was made of, or its own keys made it one that is refused.
void make_probe(const gguf::ByteSource& source) {
    const auto header = gguf::try_parse_header(source);
    const auto probe = gguf::try_make_probe(source);
    check(header.has_value() == probe.has_value());
    if (!probe)
        return;
    const auto again = gguf::parse_header(gguf::PrefixSource(probe->header, probe->file_bytes));
    check(again.tensors.size() == header->tensors.size() && again.data_offset == probe->header.size());
}

void parse_one_way(std::string_view bytes, unsigned way) {
    switch (way) {
    case 0:
        return parse(gguf::PrefixSource(bytes), {});
    case 1:
        return parse(gguf::PrefixSource(bytes), {.keep_long_arrays = true});
    case 2:
        return parse(gguf::PrefixSource(bytes, gguf::ByteSource::unknown_size), {});
    case 3:
        return make_probe(gguf::PrefixSource(bytes));
    default:
        return parse_beginning(gguf::PrefixSource(bytes.substr(0, bytes.size() / 4 * 3), bytes.size()));
    }
}

} // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
    return __sanitizer_install_malloc_and_free_hooks(count_allocation, ignore_release) > 0 ? 0 : 1;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const unsigned way = size == 0 ? 0 : data[size - 1] % 5;
    allocated = 0;
    try {
        parse_one_way({reinterpret_cast<const char*>(data), size}, way);
    } catch (const hearth::Error& error) {
        check(error.code() == hearth::ErrorCode::model_invalid);
    }
    // A probe is three headers, padded as the file says.
    check(allocated <=
          (way == 3 ? 3 : 1) * (bytes_beside + bytes_per_byte * size) + (way == 3 ? 1 << 21 : 0));
    return 0;
}
