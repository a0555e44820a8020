/// The engine's own account, for the tests: what llama.cpp would allocate for one model at several settings, without
/// weights. A process of its own, because the engine aborts on headers that it does not like.
///
///     dry_run MODEL CONTEXT:PARALLEL:KV:UNIFIED:FLASH:UBATCH:EMBEDDINGS …
///
///     dry_run MODEL projector
///
/// CONTEXT is one sequence's. One line per setting: "weights kv compute" in bytes, or "failed"; for a projector
/// its bytes, weights and compute together. The settings are those
/// of the plugin (plugins/llama/parameters.cpp, memory.cpp).
#include <ggml-backend.h>
#include <llama.h>
#include <mtmd.h>
#include <src/llama-ext.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Setting {
    std::uint64_t context = 0;
    std::uint32_t parallel = 1;
    ggml_type kv = GGML_TYPE_F16;
    bool unified = true;
    bool flash = true;
    std::uint32_t ubatch = 512;
    bool embeddings = false;
};

ggml_type cache_type(const std::string& name) {
    static const std::map<std::string, ggml_type> types = {
        {"f32", GGML_TYPE_F32},   {"f16", GGML_TYPE_F16},   {"bf16", GGML_TYPE_BF16},
        {"q8_0", GGML_TYPE_Q8_0}, {"q5_1", GGML_TYPE_Q5_1}, {"q5_0", GGML_TYPE_Q5_0},
        {"q4_1", GGML_TYPE_Q4_1}, {"q4_0", GGML_TYPE_Q4_0}, {"iq4_nl", GGML_TYPE_IQ4_NL}};
    return types.at(name);
}

Setting parse(const std::string& text) {
    std::vector<std::string> parts;
    std::stringstream stream(text);
    for (std::string part; std::getline(stream, part, ':');)
        parts.push_back(part);
    Setting setting;
    setting.context = std::stoull(parts.at(0));
    setting.parallel = static_cast<std::uint32_t>(std::stoul(parts.at(1)));
    setting.kv = cache_type(parts.at(2));
    setting.unified = parts.at(3) == "1";
    setting.flash = parts.at(4) == "1";
    setting.ubatch = static_cast<std::uint32_t>(std::stoul(parts.at(5)));
    setting.embeddings = parts.at(6) == "1";
    return setting;
}

llama_context_params context_params(const llama_model* model, const Setting& setting) {
    llama_context_params params = llama_context_default_params();
    const std::uint64_t trained = static_cast<std::uint64_t>(llama_model_n_ctx_train(model));
    const std::uint64_t context = std::min(setting.context, trained);
    params.n_ctx = static_cast<std::uint32_t>(context * setting.parallel);
    params.n_seq_max = setting.parallel;
    params.n_batch = params.n_ubatch = setting.ubatch;
    params.kv_unified = setting.unified;
    params.swa_full = false;
    params.type_k = params.type_v = setting.kv;
    params.flash_attn_type = setting.flash ? LLAMA_FLASH_ATTN_TYPE_AUTO : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.n_outputs_max = setting.parallel;
    if (setting.embeddings) {
        params.embeddings = true;
        params.n_batch = params.n_ubatch =
            static_cast<std::uint32_t>(std::clamp<std::uint64_t>(context, 512, 2048));
        params.n_outputs_max = 0;
    }
    return params;
}

void measure(llama_model* model, const Setting& setting) {
    llama_context* context = llama_init_from_model(model, context_params(model, setting));
    if (context == nullptr) {
        std::puts("failed");
        return;
    }
    llama_memory_breakdown_data sum;
    for (const auto& [type, data] : llama_get_memory_breakdown(context)) {
        sum.model += data.model;
        sum.context += data.context;
        sum.compute += data.compute;
    }
    std::printf("%zu %zu %zu\n", sum.model, sum.context, sum.compute);
    std::fflush(stdout);
    llama_free(context);
}

int measure_projector(const char* path) {
    std::size_t bytes = 0;
    mtmd_context_params params = mtmd_context_params_default();
    params.use_gpu = false;
    for (const auto& [device, size] : mtmd_get_memory_usage(path, params))
        bytes += size;
    std::printf("%zu\n", bytes);
    return bytes == 0 ? 1 : 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3)
        return 2;
    if (std::getenv("DRY_RUN_LOG") == nullptr)
        llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
    ggml_backend_load_all_from_path(HEARTH_LLAMA_LIBRARIES);
    if (std::string(argv[2]) == "projector")
        return measure_projector(argv[1]);
    llama_model_params params = llama_model_default_params();
    params.no_alloc = true;
    params.load_mode = LLAMA_LOAD_MODE_NONE;
    params.use_extra_bufts = false;
    llama_model* model = llama_model_load_from_file(argv[1], params);
    if (model == nullptr)
        return 1;
    for (int i = 2; i < argc; ++i)
        measure(model, parse(argv[i]));
    llama_model_free(model);
    return 0;
}
