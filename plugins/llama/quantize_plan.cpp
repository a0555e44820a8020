#include "plugins/llama/quantize_plan.hpp"

#include "plugins/llama/log.hpp"

#include <ggml.h>
#include <gguf.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace hearth::llama {

namespace {

/// Rows of one tensor that the engine holds at once. Larger ones are no faster; 32 MiB keep the process below
/// the size of any model worth quantizing, as the engine unmaps each tensor when it is done.
constexpr std::size_t buffer_bytes = std::size_t{32} << 20;
/// llama.cpp's writer aligns tensors to this, whatever the file says.
constexpr std::size_t alignment = GGUF_DEFAULT_ALIGNMENT;

using Metadata = std::unique_ptr<gguf_context, decltype(&gguf_free)>;
using Tensors = std::unique_ptr<ggml_context, decltype(&ggml_free)>;

/// The header of one file: its keys, and its tensors without data.
struct FileHeader {
    Metadata keys{nullptr, gguf_free};
    Tensors tensors{nullptr, ggml_free};

    explicit FileHeader(const std::string& path) {
        ggml_context* context = nullptr;
        keys.reset(gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = &context}));
        tensors.reset(context);
        if (!keys) {
            const std::string reason = first_error();
            throw Failure(HEARTH_E_FORMAT,
                          "not a readable GGUF model" + (reason.empty() ? "" : ": " + reason));
        }
    }
};

/// Number of files that the first shard speaks of; 1 when the model is not split.
int shards_of(const gguf_context* keys) {
    const std::int64_t id = gguf_find_key(keys, "split.count");
    const bool known = id >= 0 && gguf_get_kv_type(keys, id) == GGUF_TYPE_UINT16;
    return known ? std::max<int>(1, gguf_get_val_u16(keys, id)) : 1;
}

std::vector<FileHeader> read_headers(const std::string& first) {
    std::vector<FileHeader> headers;
    headers.emplace_back(first);
    const int count = shards_of(headers.front().keys.get());
    if (count == 1) {
        return headers;
    }
    std::string prefix(first.size() + 1, '\0');
    if (llama_split_prefix(prefix.data(), prefix.size(), first.c_str(), 0, count) == 0) {
        throw Failure(HEARTH_E_INVALID, "the model says it has " + std::to_string(count) +
                                            " files, and another number was given");
    }
    for (int number = 1; number < count; ++number) {
        std::string path(first.size() + 32, '\0');
        path.resize(static_cast<std::size_t>(
            std::max(0, llama_split_path(path.data(), path.size(), prefix.c_str(), number, count))));
        headers.emplace_back(path);
    }
    return headers;
}

using TensorMap = std::map<std::string, const ggml_tensor*, std::less<>>;

TensorMap tensors_of(const std::vector<FileHeader>& headers) {
    TensorMap all;
    for (const FileHeader& header : headers) {
        for (std::int64_t i = 0; i < gguf_get_n_tensors(header.keys.get()); ++i) {
            const char* name = gguf_get_tensor_name(header.keys.get(), i);
            all.emplace(name, ggml_get_tensor(header.tensors.get(), name));
        }
    }
    return all;
}

bool keeps_enough(ggml_type type) {
    switch (type) {
    case GGML_TYPE_F32:
    case GGML_TYPE_F16:
    case GGML_TYPE_BF16:
    case GGML_TYPE_Q8_0:
    case GGML_TYPE_F64:
    case GGML_TYPE_I8: // tables of numbers: copied as they are
    case GGML_TYPE_I16:
    case GGML_TYPE_I32:
    case GGML_TYPE_I64:
        return true;
    default:
        return false;
    }
}

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
    return text;
}

void check_source(const std::vector<FileHeader>& headers, const TensorMap& tensors) {
    if (gguf_get_alignment(headers.front().keys.get()) != alignment) {
        throw Failure(HEARTH_E_UNSUPPORTED, "this file aligns its tensors in a way that cannot be rewritten");
    }
    for (const auto& [name, tensor] : tensors) {
        if (!keeps_enough(tensor->type)) {
            throw Failure(
                HEARTH_E_UNSUPPORTED,
                "this model is quantized already (" + name + " is " + upper(ggml_type_name(tensor->type)) +
                    "): quantizing again would lose twice; the source must be F32, F16, BF16 or Q8_0");
        }
    }
}

/// Reads the engine's lines of a dry run: "[   1/ 290] token_embd.weight - [896, 151936, 1, 1], type = f16, "
/// and then "size = 259.66 MiB -> 137.94 MiB (q8_0)", or "size = 0.003 MiB" for what stays as it is.
class DryRunReader {
  public:
    void take(std::string_view text) {
        if (text.starts_with('[')) {
            const std::size_t begin = text.find("] ");
            const std::size_t end = text.find(" - [");
            if (begin != std::string_view::npos && end != std::string_view::npos && begin + 2 <= end) {
                name_ = text.substr(begin + 2, end - begin - 2);
                name_.erase(name_.find_last_not_of(' ') + 1);
            }
        } else if (text.starts_with("size = ") && !name_.empty()) {
            const std::size_t begin = text.rfind('(');
            const std::size_t end = text.rfind(')');
            const bool changes = begin != std::string_view::npos && end != std::string_view::npos;
            types_[name_] = changes ? std::string(text.substr(begin + 1, end - begin - 1)) : std::string();
            name_.clear();
        }
    }
    /// The type's name, empty for "as it is"; nullopt when the engine did not speak of that tensor.
    std::optional<std::string> type_of(const std::string& tensor) const {
        const auto found = types_.find(tensor);
        return found == types_.end() ? std::nullopt : std::optional(found->second);
    }

  private:
    std::string name_;
    std::map<std::string, std::string> types_;
};

ggml_type type_named(const std::string& name) {
    for (int type = 0; type < GGML_TYPE_COUNT; ++type) {
        const char* known = ggml_type_name(static_cast<ggml_type>(type));
        if (known && name == known) {
            return static_cast<ggml_type>(type);
        }
    }
    throw Failure(HEARTH_E_INTERNAL, "the engine speaks of an unknown type " + name);
}

DryRunReader dry_run(const std::string& model, const TargetType& target) {
    llama_model_quantize_params params = quantize_parameters(target, 1);
    params.dry_run = true;
    DryRunReader reader;
    const LogTap tap([&reader](std::string_view text) { reader.take(text); });
    if (llama_model_quantize(model.c_str(), "", &params) != 0) {
        throw Failure(HEARTH_E_FORMAT, first_error());
    }
    return reader;
}

/// Bytes of the header that the engine will write: the first shard's keys without those of the split, with the
/// two that it sets.
std::size_t header_bytes(const gguf_context* source, const TensorMap& tensors, const TargetType& target) {
    const Metadata keys(gguf_init_empty(), gguf_free);
    gguf_set_kv(keys.get(), source);
    gguf_set_val_u32(keys.get(), "general.quantization_version", GGML_QNT_VERSION);
    gguf_set_val_u32(keys.get(), "general.file_type", target.file_type);
    for (const char* key : {"split.no", "split.count", "split.tensors.count"}) {
        gguf_remove_key(keys.get(), key);
    }
    for (const auto& [name, tensor] : tensors) {
        gguf_add_tensor(keys.get(), tensor);
    }
    return gguf_get_meta_size(keys.get());
}

/// Tensors of one type together.
struct Group {
    std::uint64_t count = 0;
    std::uint64_t elements = 0;
    std::uint64_t bytes = 0;
};

Json groups_to_json(const std::map<ggml_type, Group>& groups) {
    std::vector<std::pair<ggml_type, Group>> sorted(groups.begin(), groups.end());
    std::ranges::sort(sorted, [](const auto& left, const auto& right) {
        return left.second.bytes != right.second.bytes ? left.second.bytes > right.second.bytes
                                                       : left.first < right.first;
    });
    Json list = Json::array();
    for (const auto& [type, group] : sorted) {
        list.push_back({{"type", upper(ggml_type_name(type))},
                        {"count", group.count},
                        {"elements", group.elements},
                        {"bytes", group.bytes}});
    }
    return list;
}

} // namespace

llama_model_quantize_params quantize_parameters(const TargetType& target, int threads) {
    llama_model_quantize_params params = llama_model_quantize_default_params();
    params.ftype = target.file_type;
    params.nthread = threads;
    params.allow_requantize = true; // from Q8_0; check_source has refused everything below
    params.max_buf_size = buffer_bytes;
    return params;
}

QuantizePlan plan_quantization(const std::string& model, std::uint64_t input_bytes,
                               const TargetType& target) {
    const std::vector<FileHeader> headers = read_headers(model);
    const TensorMap tensors = tensors_of(headers);
    check_source(headers, tensors);
    const DryRunReader chosen = dry_run(model, target);
    QuantizePlan plan;
    plan.output_bytes = header_bytes(headers.front().keys.get(), tensors, target);
    std::uint64_t elements = 0;
    std::map<ggml_type, Group> groups;
    for (const auto& [name, tensor] : tensors) {
        const std::optional<std::string> type_name = chosen.type_of(name);
        if (!type_name) {
            throw Failure(HEARTH_E_INTERNAL, "the engine's dry run left out " + name);
        }
        const ggml_type type = type_name->empty() ? tensor->type : type_named(*type_name);
        const auto rows = static_cast<std::uint64_t>(ggml_nrows(tensor));
        const std::uint64_t bytes = rows * ggml_row_size(type, tensor->ne[0]);
        Group& group = groups[type];
        group.count += 1;
        group.elements += static_cast<std::uint64_t>(ggml_nelements(tensor));
        group.bytes += bytes;
        elements += static_cast<std::uint64_t>(ggml_nelements(tensor));
        plan.output_bytes += GGML_PAD(bytes, alignment);
    }
    if (plan.output_bytes >= input_bytes) {
        throw Failure(HEARTH_E_INVALID, "as " + std::string(target.name) +
                                            " it would not be smaller: " + std::to_string(plan.output_bytes) +
                                            " bytes, and it has " + std::to_string(input_bytes));
    }
    plan.event = {{"type", target.name},
                  {"input_bytes", input_bytes},
                  {"output_bytes", plan.output_bytes},
                  {"elements", elements},
                  {"tensors", groups_to_json(groups)}};
    return plan;
}

} // namespace hearth::llama
