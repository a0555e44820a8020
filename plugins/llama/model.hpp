#pragma once

#include "plugins/llama/failure.hpp"
#include "plugins/llama/model_files.hpp"

#include <memory>
#include <string>
#include <thread>
#include <vector>

struct common_params;
struct llama_vocab;
struct server_context;
struct server_routes;

namespace hearth::llama {

/// One loaded model: llama.cpp's server context with its loop thread, and the handlers that answer requests
/// without HTTP. Made and destroyed on the control thread; handlers may be called from any thread in between.
/// The destructor ends the loop and gives the memory back.
class Model {
  public:
    /// Blocks until the engine answers. @param progress  may be null
    /// @throws Failure  HEARTH_E_FORMAT, _INVALID, _NOMEM, _CANCELLED, _UNSUPPORTED; then nothing is left
    Model(const hearth_load_spec& spec, const char* scratch_dir, const hearth_progress* progress);
    ~Model();
    Model(const Model&) = delete;

    const Json& info() const noexcept { return info_; }
    server_routes& routes() const noexcept { return *routes_; }
    const llama_vocab* vocabulary() const noexcept { return vocabulary_; }
    bool can_chat() const noexcept { return can_chat_; }
    bool can_embed() const noexcept { return can_embed_; }
    /// Longest text that can be embedded, in tokens.
    std::size_t embed_limit() const noexcept { return embed_limit_; }

  private:
    void load(const hearth_progress* progress);
    void start();
    void describe();

    ModelFiles files_;
    std::unique_ptr<common_params> params_; ///< the engine keeps a reference
    std::unique_ptr<server_context> context_;
    std::unique_ptr<server_routes> routes_;
    std::thread loop_;
    const llama_vocab* vocabulary_ = nullptr;
    bool can_chat_ = false;
    bool can_embed_ = false;
    std::size_t embed_limit_ = 0;
    Json info_;
};

} // namespace hearth::llama
