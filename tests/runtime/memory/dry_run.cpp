/// The engine's own account, for the tests: what llama.cpp would allocate for one model at several settings, without
/// weights. A process of its own, because the engine aborts on headers that it does not like.
///
///     dry_run MODEL CONTEXT:PARALLEL:KV:UNIFIED:FLASH:UBATCH:EMBEDDINGS …
///
///     dry_run MODEL gpu:LAYERS:EXPERTS:DEVICES CONTEXT:…
///     dry_run MODEL projector
///
/// CONTEXT is one sequence's. One line per setting: "weights kv compute" in bytes, or "failed"; for a projector
/// its bytes, weights and compute together. The settings are those
/// of the plugin (plugins/llama/parameters.cpp, memory.cpp).
#include "plugins/llama/pretended_device.hpp"

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

/// Where the weights go: the last layers on pretended GPUs, the experts of the first of those on the host.
struct Places {
    int layers = 0;
    int experts = 0;
    int devices = 0;
};

Places parse_places(const std::string& text) {
    Places places;
    std::sscanf(text.c_str(), "gpu:%d:%d:%d", &places.layers, &places.experts, &places.devices);
    return places;
}

int layers_of(const char* path) {
    llama_model_params params = llama_model_default_params();
    params.no_alloc = true;
    params.load_mode = LLAMA_LOAD_MODE_NONE;
    llama_model* model = llama_model_load_from_file(path, params);
    const int layers = model == nullptr ? 0 : llama_model_n_layer(model);
    llama_model_free(model);
    return layers;
}

/// What keeps the experts of a layer on the host: patterns as llama.cpp's own --n-cpu-moe has them.
std::vector<std::string> expert_patterns(const Places& places, int layers) {
    std::vector<std::string> patterns;
    const int first = layers + 1 - places.layers;
    for (int i = first; i < first + places.experts; ++i)
        patterns.push_back("blk\\." + std::to_string(i) + "\\.ffn_(up|down|gate|gate_up)_(ch|)exps");
    return patterns;
}

void print(const llama_memory_breakdown_data& sum) {
    std::printf("%zu %zu %zu", sum.model, sum.context, sum.compute);
}

void measure(llama_model* model, const Setting& setting) {
    llama_context* context = llama_init_from_model(model, context_params(model, setting));
    if (context == nullptr) {
        std::puts("failed");
        return;
    }
    std::vector<llama_memory_breakdown_data> sums(1 + static_cast<std::size_t>(llama_model_n_devices(model)));
    for (const auto& [type, data] : llama_get_memory_breakdown(context)) {
        std::size_t at = 0; // the host
        for (int i = 0; i < llama_model_n_devices(model); ++i)
            if (!ggml_backend_buft_is_host(type) &&
                ggml_backend_buft_get_device(type) == llama_model_get_device(model, i))
                at = static_cast<std::size_t>(i) + 1;
        sums[at].model += data.model;
        sums[at].context += data.context;
        sums[at].compute += data.compute;
    }
    for (std::size_t i = 0; i < sums.size(); ++i) {
        std::fputs(i == 0 ? "" : " ", stdout);
        print(sums[i]);
    }
    std::puts("");
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

int measure_model(const char* path, std::vector<std::string> arguments) {
    Places places;
    if (arguments.front().starts_with("gpu:")) {
        places = parse_places(arguments.front());
        arguments.erase(arguments.begin());
    }
    std::vector<hearth::llama::PretendedDevice> wanted;
    for (int i = 0; i < places.devices; ++i)
        wanted.push_back({"gpu" + std::to_string(i), std::uint64_t{1} << 40});
    const hearth::llama::PretendedDevices devices(wanted);
    std::vector<ggml_backend_device*> list = devices.list();
    llama_model_params params = llama_model_default_params();
    params.no_alloc = true;
    params.load_mode = LLAMA_LOAD_MODE_NONE;
    params.use_extra_bufts = false;
    params.n_gpu_layers = places.layers;
    params.devices = list.empty() ? nullptr : list.data();
    const auto patterns = expert_patterns(places, places.experts > 0 ? layers_of(path) : 0);
    std::vector<llama_model_tensor_buft_override> overrides;
    for (const std::string& pattern : patterns)
        overrides.push_back({pattern.c_str(), ggml_backend_cpu_buffer_type()});
    overrides.push_back({nullptr, nullptr});
    params.tensor_buft_overrides = overrides.data();
    llama_model* model = llama_model_load_from_file(path, params);
    if (model == nullptr)
        return 1;
    for (const std::string& argument : arguments)
        measure(model, parse(argument));
    llama_model_free(model);
    return 0;
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
    return measure_model(argv[1], {argv + 2, argv + argc});
}
