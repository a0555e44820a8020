#include "base/error.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/header.hpp"
#include "registry/gguf/probe.hpp"
#include "registry/gguf/summary.hpp"

#include <cstdlib>

namespace gguf = hearth::registry::gguf;

namespace {

/// Whatever the bytes: a header that keeps its promises, or an Error.
void parse(const gguf::ByteSource& source, gguf::ParseOptions options) {
    try {
        const auto header = gguf::try_parse_header(source, options);
        if (!header) {
            if (header.error().at_least <= source.available() || header.error().at_least > source.size())
                std::abort();
            return;
        }
        if (header->end_offset > source.size() || header->keys.size() != header->index.size())
            std::abort();
        const gguf::Summary summary = gguf::summarize(*header);
        gguf::capabilities(*header, summary, false, "");
    } catch (const hearth::Error& error) {
        if (error.code() != hearth::ErrorCode::model_invalid)
            std::abort();
    }
}

/// The same of a header's beginning.
void parse_beginning(const gguf::ByteSource& source) {
    try {
        const gguf::HeaderPrefix prefix = gguf::parse_header_prefix(source);
        if (prefix.header.keys.size() != prefix.header.index.size() ||
            prefix.complete != (prefix.at_least == 0) || (prefix.complete && !prefix.has_all_keys))
            std::abort();
        if (!prefix.complete && (prefix.at_least <= source.available() || !prefix.header.tensors.empty()))
            std::abort();
    } catch (const hearth::Error& error) {
        if (error.code() != hearth::ErrorCode::model_invalid)
            std::abort();
    }
}

/// A probe has the tensors of the header it was made of, or its own keys made it one that is refused.
void make_probe(const gguf::ByteSource& source) {
    try {
        const auto header = gguf::try_parse_header(source);
        const auto probe = gguf::try_make_probe(source);
        if (header.has_value() != probe.has_value())
            std::abort();
        if (!probe)
            return;
        const auto again = gguf::parse_header(gguf::PrefixSource(probe->header, probe->file_bytes));
        if (again.tensors.size() != header->tensors.size() || again.data_offset != probe->header.size())
            std::abort();
    } catch (const hearth::Error& error) {
        if (error.code() != hearth::ErrorCode::model_invalid)
            std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    parse(gguf::PrefixSource(bytes), {});
    parse(gguf::PrefixSource(bytes), {.keep_long_arrays = true});
    parse(gguf::PrefixSource(bytes, std::uint64_t{1} << 40), {});
    parse(gguf::PrefixSource(bytes, gguf::ByteSource::unknown_size), {});
    parse_beginning(gguf::PrefixSource(bytes, std::uint64_t{1} << 40));
    make_probe(gguf::PrefixSource(bytes));
    return 0;
}
