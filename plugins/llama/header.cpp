#include "plugins/llama/header.hpp"

#include "plugins/llama/failure.hpp"
#include "plugins/llama/log.hpp"
#include "plugins/llama/template_guard.hpp"

#include <gguf.h>

#include <memory>
#include <string_view>

namespace hearth::llama {

namespace {

using Metadata = std::unique_ptr<gguf_context, decltype(&gguf_free)>;

std::optional<std::int64_t> find_integer(const gguf_context* metadata, const std::string& key) {
    const std::int64_t id = gguf_find_key(metadata, key.c_str());
    if (id < 0) {
        return std::nullopt;
    }
    switch (gguf_get_kv_type(metadata, id)) { // the getters abort on another type
    case GGUF_TYPE_UINT32:
        return gguf_get_val_u32(metadata, id);
    case GGUF_TYPE_INT32:
        return gguf_get_val_i32(metadata, id);
    case GGUF_TYPE_UINT64:
        return static_cast<std::int64_t>(gguf_get_val_u64(metadata, id));
    case GGUF_TYPE_INT64:
        return gguf_get_val_i64(metadata, id);
    default:
        return std::nullopt;
    }
}

void check_templates(const gguf_context* metadata) {
    for (std::int64_t id = 0; id < gguf_get_n_kv(metadata); ++id) {
        const std::string_view key = gguf_get_key(metadata, id);
        if (key.starts_with("tokenizer.chat_template") &&
            gguf_get_kv_type(metadata, id) == GGUF_TYPE_STRING) {
            check_chat_template(gguf_get_val_str(metadata, id), HEARTH_E_FORMAT);
        }
    }
}

} // namespace

ModelHeader read_header(const std::string& path) {
    const gguf_init_params params = {.no_alloc = true, .ctx = nullptr};
    const Metadata metadata(gguf_init_from_file(path.c_str(), params), gguf_free);
    if (!metadata) {
        const std::string reason = first_error();
        throw Failure(HEARTH_E_FORMAT, "not a readable GGUF model" + (reason.empty() ? "" : ": " + reason));
    }
    check_templates(metadata.get());
    ModelHeader header;
    const std::int64_t id = gguf_find_key(metadata.get(), "general.architecture");
    if (id >= 0 && gguf_get_kv_type(metadata.get(), id) == GGUF_TYPE_STRING) {
        header.architecture = gguf_get_val_str(metadata.get(), id);
    }
    header.context_trained =
        find_integer(metadata.get(), header.architecture + ".context_length").value_or(0);
    header.layers = find_integer(metadata.get(), header.architecture + ".block_count").value_or(0);
    header.latent_attention =
        find_integer(metadata.get(), header.architecture + ".attention.kv_lora_rank").value_or(0) > 0;
    header.pooling = find_integer(metadata.get(), header.architecture + ".pooling_type");
    if (header.pooling == 0) { // none
        header.pooling.reset();
    }
    return header;
}

} // namespace hearth::llama
