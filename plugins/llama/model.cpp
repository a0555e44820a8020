#include "plugins/llama/model.hpp"

#include "plugins/llama/header.hpp"
#include "plugins/llama/log.hpp"
#include "plugins/llama/mapped_pages.hpp"
#include "plugins/llama/memory.hpp"
#include "plugins/llama/parameters.hpp"
#include "plugins/llama/settings.hpp"

#include <common.h>
#include <llama.h>
#include <server-context.h>

#include <malloc.h>

#include <functional>
#include <optional>

namespace hearth::llama {

namespace {

/// Thrown through llama.cpp's loader, which takes any exception of the progress callback as "stop".
struct LoadCancelled : std::runtime_error {
    LoadCancelled() : std::runtime_error("the load was cancelled") {}
};

const char* stage_of(const std::string& engine_stage) {
    if (engine_stage == "mmproj_model") {
        return "mmproj";
    }
    return engine_stage == "spec_model" ? "draft" : "weights";
}

/// Forwards the engine's progress; remembers whether the host has asked to stop.
class ProgressRelay {
  public:
    explicit ProgressRelay(const hearth_progress* progress) : progress_(progress) {}

    void report(const char* stage, float fraction) {
        if (progress_ && !cancelled_ && progress_->report(progress_->context, stage, fraction) != 0) {
            cancelled_ = true;
        }
        if (cancelled_) {
            throw LoadCancelled();
        }
    }
    bool cancelled() const noexcept { return cancelled_; }

  private:
    const hearth_progress* progress_;
    bool cancelled_ = false;
};

[[noreturn]] void fail_load() {
    const std::string reason = recent_errors();
    const auto says = [&](const char* part) { return reason.find(part) != std::string::npos; };
    const std::string message = reason.empty() ? "the model cannot be loaded" : first_error();
    if (says("failed to allocate") || says("unable to allocate") || says("out of memory") ||
        says("cannot allocate memory")) {
        throw Failure(HEARTH_E_NOMEM, message);
    }
    if (says("unknown model architecture")) {
        throw Failure(HEARTH_E_UNSUPPORTED, message);
    }
    if (says("failed to create_context")) { // the file is right, the wishes are not
        throw Failure(HEARTH_E_INVALID, message);
    }
    throw Failure(HEARTH_E_FORMAT, message);
}

} // namespace

Model::Model(const hearth_load_spec& spec, const char* scratch_dir, const hearth_progress* progress)
    : files_(spec, scratch_dir) {
    forget_errors();
    const Settings settings(spec.spec);
    if (!settings.pretend.empty()) {
        throw Failure(HEARTH_E_INVALID, "a model cannot be loaded on pretended devices");
    }
    const ModelHeader header = read_header(files_.model());
    params_ = std::make_unique<common_params>(make_parameters(settings, files_, header));
    context_ = std::make_unique<server_context>();
    routes_ = std::make_unique<server_routes>(*params_, *context_); // before the load: it registers hooks
    try {
        load(progress);
        drop_unused_pages(llama_get_model(context_->get_llama_context()));
        describe();
        start();
    } catch (...) {
        routes_.reset();
        context_.reset();
        ::malloc_trim(0);
        throw;
    }
}

Model::~Model() {
    context_->terminate();
    loop_.join();
    routes_.reset();
    context_.reset();
    ::malloc_trim(0); // 82 MB stay in the allocator otherwise
}

void Model::load(const hearth_progress* progress) {
    ProgressRelay relay(progress);
    context_->set_state_callback([&relay](server_state state, json payload) {
        if (state == SERVER_STATE_LOADING && payload.contains("value")) {
            relay.report(stage_of(payload.value("current", "text_model")), payload.at("value").get<float>());
        }
    });
    bool loaded = false;
    try {
        loaded = context_->load_model(*params_);
        relay.report("warmup", 1.0F);
    } catch (const LoadCancelled&) {
        loaded = false;
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& exception) {
        throw Failure(HEARTH_E_FORMAT, without_paths(exception.what()));
    }
    context_->set_state_callback(nullptr);
    if (relay.cancelled()) {
        throw Failure(HEARTH_E_CANCELLED, "the load was cancelled");
    }
    if (!loaded) {
        fail_load();
    }
    routes_->update_meta(*context_);
}

/// Starts the loop, and returns when it runs: a terminate() that comes before would be lost, and the join
/// would wait for ever.
void Model::start() {
    loop_ = std::thread([this] { context_->start_loop(); });
    const std::function<bool()> never = [] { return false; };
    const server_http_req request{.params = {},
                                  .headers = {},
                                  .path = {},
                                  .query_string = {},
                                  .body = {},
                                  .files = {},
                                  .should_stop = never};
    routes_->get_lora_adapters(request);
}

/// Only before the loop runs: the engine's context is the loop thread's afterwards.
void Model::describe() {
    llama_context* const context = context_->get_llama_context();
    const llama_model* const model = llama_get_model(context);
    const server_context_meta meta = context_->get_meta();
    vocabulary_ = llama_model_get_vocab(model);
    if (llama_vocab_type(vocabulary_) == LLAMA_VOCAB_TYPE_NONE) { // its first prompt would abort
        throw Failure(HEARTH_E_FORMAT, "the model has no tokenizer");
    }
    const enum llama_pooling_type pooling = llama_pooling_type(context);
    can_chat_ = llama_get_memory(context) != nullptr && llama_model_has_decoder(model);
    can_embed_ =
        params_->embedding && pooling != LLAMA_POOLING_TYPE_NONE && pooling != LLAMA_POOLING_TYPE_RANK;
    const bool splits = can_chat_ && pooling == LLAMA_POOLING_TYPE_LAST;
    const auto context_tokens = static_cast<std::size_t>(meta.slot_n_ctx);
    embed_limit_ = splits ? context_tokens : std::min<std::size_t>(context_tokens, llama_n_ubatch(context));

    Json operations = Json::array({"tokenize"});
    if (can_chat_) {
        operations.insert(operations.end(), {"chat", "complete", "template", "count"});
    }
    if (can_embed_) {
        operations.push_back("embed");
    }
    const bool own_template = llama_model_chat_template(model, nullptr) != nullptr;
    info_ = {{"context", meta.slot_n_ctx},
             {"context_trained", meta.model_n_ctx_train},
             {"parallel", params_->n_parallel},
             {"operations", operations},
             {"memory", memory_of(context, *params_)},
             {"chat_template", own_template || !params_->chat_template.empty()},
             {"embedding_length", llama_model_n_embd(model)},
             {"embed_limit", can_embed_ ? embed_limit_ : 0},
             {"parameters", meta.model_n_params},
             {"image", meta.has_inp_image},
             {"audio", meta.has_inp_audio},
             {"threads", params_->cpuparams.n_threads}};
    Json& abilities = info_["template_abilities"] = Json::object();
    for (const auto& [name, has] : meta.chat_template_caps) {
        abilities[name] = has;
    }
    abilities["thinking"] = meta.chat_params.enable_thinking;
}

} // namespace hearth::llama
