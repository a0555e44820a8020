#pragma once

#include "base/unique_fd.hpp"
#include "registry/gguf/header.hpp"

#include <cstdint>
#include <expected>
#include <string>

namespace hearth::registry::gguf {

/// A header that is enough to ask the engine how much memory a model takes: without the tokenizer, which is most of a
/// header and of the time to read it (memory.md 0.4 and 2.8).
struct Probe {
    std::string header;           ///< from the magic to where tensor data starts
    std::uint64_t file_bytes = 0; ///< of a file with this header and the model's tensors
};

/// Hyper-parameters and tensor infos byte for byte; of the tokenizer only its plain numbers, with
/// `tokenizer.ggml.model` "none" and the number of its tokens as `<arch>.vocab_size`. Of a split model every shard
/// gives a probe of its own.
/// @param source  a file, or the first bytes of one
/// @throws Error  model_invalid, as parse_header
std::expected<Probe, NeedMoreBytes> try_make_probe(const ByteSource& source);

/// The probe as a file in memory that is as long as the model and takes as much as the header.
/// @throws Error  store_failed
UniqueFd open_probe(const Probe& probe);

} // namespace hearth::registry::gguf
