#include "plugins/llama/parameters.hpp"

#include "plugins/llama/failure.hpp"
#include "plugins/llama/header.hpp"
#include "plugins/llama/model_files.hpp"
#include "plugins/llama/pretended_device.hpp"
#include "plugins/llama/settings.hpp"

#include <arg.h>
#include <chat.h>
#include <common.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

namespace hearth::llama {

namespace {

/// Beside the sampling arguments. None names a file, a host or a program, prints, or changes what Hearth
/// decides (context, slots, alias).
constexpr std::array<std::string_view, 58> allowed_arguments = {"--threads-batch",
                                                                "--cpu-mask",
                                                                "--cpu-range",
                                                                "--cpu-strict",
                                                                "--prio",
                                                                "--poll",
                                                                "--cpu-mask-batch",
                                                                "--cpu-range-batch",
                                                                "--cpu-strict-batch",
                                                                "--prio-batch",
                                                                "--poll-batch",
                                                                "--predict",
                                                                "--batch-size",
                                                                "--ubatch-size",
                                                                "--keep",
                                                                "--swa-full",
                                                                "--ctx-checkpoints",
                                                                "--checkpoint-min-step",
                                                                "--cache-ram",
                                                                "--cache-idle-slots",
                                                                "--context-shift",
                                                                "--no-context-shift",
                                                                "--flash-attn",
                                                                "--warmup",
                                                                "--no-warmup",
                                                                "--pooling",
                                                                "--attention",
                                                                "--rope-scaling",
                                                                "--rope-scale",
                                                                "--rope-freq-base",
                                                                "--rope-freq-scale",
                                                                "--yarn-orig-ctx",
                                                                "--yarn-ext-factor",
                                                                "--yarn-attn-factor",
                                                                "--yarn-beta-slow",
                                                                "--yarn-beta-fast",
                                                                "--kv-offload",
                                                                "--no-kv-offload",
                                                                "--repack",
                                                                "--no-repack",
                                                                "--no-host",
                                                                "--cache-type-k",
                                                                "--cache-type-v",
                                                                "--load-mode",
                                                                "--numa",
                                                                "--device",
                                                                "--override-tensor",
                                                                "--cpu-moe",
                                                                "--n-cpu-moe",
                                                                "--gpu-layers",
                                                                "--split-mode",
                                                                "--tensor-split",
                                                                "--main-gpu",
                                                                "--check-tensors",
                                                                "--cache-reuse",
                                                                "--chat-template-kwargs",
                                                                "--reasoning-format",
                                                                "--reasoning-budget"};
constexpr std::array<std::string_view, 2> refused_sampling_arguments = {"--grammar-file",
                                                                        "--json-schema-file"};

bool any_of(const common_arg& option, const auto& names) {
    return std::any_of(option.args.begin(), option.args.end(), [&](const char* argument) {
        return std::find(names.begin(), names.end(), std::string_view(argument)) != names.end();
    });
}

bool is_allowed(const common_arg& option) {
    return any_of(option, allowed_arguments) ||
           (option.is_sampling && !any_of(option, refused_sampling_arguments));
}

/// One argument of the list, with the option that handles it.
struct Match {
    const common_arg* option = nullptr;
    bool positive = true;
};

std::map<std::string, Match> index_of(const std::vector<common_arg>& options) {
    std::map<std::string, Match> index;
    for (const common_arg& option : options) {
        for (const char* name : option.args) {
            index[name] = {&option, true};
        }
        for (const char* name : option.args_neg) {
            index[name] = {&option, false};
        }
    }
    return index;
}

/// Calls the option's handler with the values that follow `at`; returns how many it took.
std::size_t apply(const Match& match, const std::vector<std::string>& arguments, std::size_t at,
                  common_params& params) {
    const common_arg& option = *match.option;
    if (option.handler_void) {
        option.handler_void(params);
        return 0;
    }
    if (option.handler_bool) {
        option.handler_bool(params, match.positive);
        return 0;
    }
    const std::size_t wanted = option.handler_str_str ? 2 : 1;
    if (at + wanted >= arguments.size()) {
        throw std::invalid_argument("a value is missing");
    }
    if (option.handler_int) {
        option.handler_int(params, std::stoi(arguments[at + 1]));
    } else if (option.handler_string) {
        option.handler_string(params, arguments[at + 1]);
    } else {
        option.handler_str_str(params, arguments[at + 1], arguments[at + 2]);
    }
    return wanted;
}

void apply_arguments(const std::vector<std::string>& arguments, common_params& params) {
    if (arguments.empty()) {
        return; // the parser is not free
    }
    const common_params_context parser = common_params_parser_init(params, LLAMA_EXAMPLE_SERVER);
    const std::map<std::string, Match> index = index_of(parser.options);
    for (std::size_t at = 0; at < arguments.size(); ++at) {
        const std::string& name = arguments[at];
        const auto found = index.find(name);
        if (found == index.end() || !is_allowed(*found->second.option)) {
            throw Failure(HEARTH_E_INVALID, "the argument '" + name + "' is unknown or not allowed here");
        }
        try {
            at += apply(found->second, arguments, at, params);
        } catch (const std::exception& exception) {
            throw Failure(HEARTH_E_INVALID, "the argument '" + name + "' is wrong: " + exception.what());
        }
    }
}

/// Hearth's defaults, before the user's arguments.
void set_defaults(common_params& params, const Settings& settings, const ModelHeader& header) {
    params.fit_params = false;    // Hearth plans the fit; this also changes global log state
    params.n_batch = 512;         // a cancel during a prompt waits for one batch
    params.cache_ram_mib = 0;     // no memory that the plan does not know
    params.n_ctx_checkpoints = 2; // each is a copy of a state or a sliding window; the planner reserves two
    params.sse_ping_interval = 0;
    params.warmup =
        false; // the server tries a step of two tokens anyway (common_context_can_seq_rm): as good
    // Not for every model: the engine then reserves logits for a whole batch, 311 MB for a vocabulary of 152
    // 000.
    params.embedding = header.pooling || settings.embeddings;
    if (params.embedding) { // a text is embedded in one step
        params.pooling_type = header.pooling ? LLAMA_POOLING_TYPE_UNSPECIFIED : LLAMA_POOLING_TYPE_MEAN;
        constexpr std::int64_t longest = 2048;
        std::int64_t tokens = settings.context ? settings.context : header.context_trained;
        tokens = header.context_trained ? std::min(tokens, header.context_trained) : tokens;
        params.n_batch = params.n_ubatch = static_cast<int>(std::clamp<std::int64_t>(tokens, 512, longest));
    }
}

void set_context(common_params& params, const Settings& settings, const ModelHeader& header) {
    params.n_parallel = settings.parallel;
    params.kv_unified = settings.unified;
    std::int64_t context = settings.context;
    if (header.context_trained > 0) {
        context = std::min(context, header.context_trained);
    }
    const std::int64_t pool = std::min<std::int64_t>(context * settings.parallel, INT32_MAX / 2);
    params.n_ctx = static_cast<int>(pool);                  // 0: the model's own
    params.kv_unified_per_slot = static_cast<int>(context); // the engine rounds cells up
}

/// Not as arguments: their handlers print a warning where there is no GPU, and a dry run may pretend one.
void set_gpus(common_params& params, const Settings& settings, const PretendedDevices* pretended) {
    if (settings.gpu_layers) {
        params.n_gpu_layers = *settings.gpu_layers;
    }
    if (settings.tensor_split.size() > llama_max_devices()) {
        throw Failure(HEARTH_E_INVALID, "\"tensor_split\" names more GPUs than the engine can use");
    }
    for (std::size_t i = 0; i < settings.tensor_split.size(); ++i) {
        params.tensor_split[i] = static_cast<float>(settings.tensor_split[i]);
    }
    if (pretended) {
        params.devices = pretended->list();
    }
}

/// The engine counts layers that keep their experts from the first of the model; those that are on the host
/// anyway come before the ones that are meant.
void set_expert_layers(common_params& params, const Settings& settings, const ModelHeader& header) {
    if (settings.expert_layers_on_host == 0) {
        return;
    }
    const bool all = !settings.gpu_layers || *settings.gpu_layers < 0;
    const std::int64_t before = all ? 0 : std::max<std::int64_t>(header.layers + 1 - *settings.gpu_layers, 0);
    const std::int64_t count = std::min(before + settings.expert_layers_on_host, header.layers);
    apply_arguments({"--n-cpu-moe", std::to_string(count)}, params);
}

void set_files(common_params& params, const ModelFiles& files) {
    params.model.path = files.model();
    params.mmproj.path = files.projector();
    for (const std::string& adapter : files.adapters()) {
        params.lora_adapters.push_back({adapter, 1.0F, "", "", nullptr});
    }
    if (!files.draft().empty()) {
        params.speculative.draft.mparams.path = files.draft();
        params.speculative.types = {COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE};
    }
}

/// What common_params_parse_ex and llama_server do after parsing.
void finish(common_params& params) {
    postprocess_cpu_params(params.cpuparams, nullptr);
    postprocess_cpu_params(params.cpuparams_batch, &params.cpuparams);
    postprocess_cpu_params(params.speculative.draft.cpuparams, &params.cpuparams);
    postprocess_cpu_params(params.speculative.draft.cpuparams_batch, &params.cpuparams_batch);
    if (!params.kv_overrides.empty()) {
        params.kv_overrides.emplace_back();
        params.kv_overrides.back().key[0] = 0;
    }
    params.tensor_buft_overrides.resize(
        std::max(params.tensor_buft_overrides.size(), llama_max_tensor_buft_overrides()), {nullptr, nullptr});
    if (params.mmproj_use_gpu && !params.mmproj_device && !params.devices.empty()) {
        params.mmproj_device = params.devices.front();
        params.mmproj_use_gpu = params.mmproj_device != nullptr;
    }
    params.n_ubatch = std::min(params.n_ubatch, params.n_batch);
    if (params.embedding) {
        params.n_batch = params.n_ubatch;
    }
    params.cache_idle_slots = params.cache_idle_slots && params.cache_ram_mib != 0;
    params.default_template_kwargs.emplace("preserve_reasoning", "true");
}

} // namespace

common_params make_parameters(const Settings& settings, const ModelFiles& files, const ModelHeader& header,
                              const PretendedDevices* pretended) {
    common_params params;
    params.verbosity = 2; // warnings
    set_defaults(params, settings, header);
    // A model this small computes faster than its threads can meet, and on a busy machine they wait for each
    // other by spinning.
    constexpr std::uint64_t one_thread_bytes = 64 << 20;
    if (settings.threads > 0) {
        params.cpuparams.n_threads = settings.threads;
    } else if (files.model_bytes() < one_thread_bytes) {
        params.cpuparams.n_threads = 1;
    }
    apply_arguments(settings.arguments, params);
    if (header.latent_attention) { // 0.5.0 aborts on its matrices of single heads when they are repacked
        params.no_extra_bufts = true;
    }
    set_expert_layers(params, settings, header); // before the GPU's layers: the parser wants to see defaults
    set_gpus(params, settings, pretended);
    set_context(params, settings, header);
    set_files(params, files);
    params.model_alias = {settings.alias};
    params.chat_template = settings.chat_template;
    finish(params);
    if (!params.chat_template.empty() &&
        !common_chat_verify_template(params.chat_template, params.use_jinja)) {
        throw Failure(HEARTH_E_INVALID, "the chat template of the options cannot be used");
    }
    return params;
}

} // namespace hearth::llama
