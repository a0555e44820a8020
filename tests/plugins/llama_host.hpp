#pragma once

#include "plugins/abi/hearth_backend.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace hearth::test {

/// What a call of the ABI gave.
struct Answer {
    hearth_status status = HEARTH_OK;
    std::string message;
    std::vector<std::string> events;

    nlohmann::json last() const {
        return events.empty() ? nlohmann::json() : nlohmann::json::parse(events.back());
    }
    /// Text of a chat answer, whole or streamed.
    std::string text() const;
};

/// A host in this process, with the llama plugin loaded. One for all tests of the process: the plugin can be
/// initialised only once.
class LlamaHost {
  public:
    static LlamaHost& instance();

    const hearth_backend& backend() const { return *backend_; }
    std::string logs() const;

    /// Loads files (all of role "model", in order) into `model`. @param progress  non-zero result cancels
    Answer load(const std::vector<std::filesystem::path>& files, const nlohmann::json& spec,
                hearth_model** model, const std::function<int(float)>& progress = {});
    Answer estimate(const std::vector<std::filesystem::path>& files, const nlohmann::json& spec);
    Answer info(hearth_model* model);
    /// Creates, runs and frees a request. @param on_event  non-zero result: stop listening
    Answer ask(hearth_model* model, const std::string& operation, const nlohmann::json& body,
               const std::function<int(hearth_request*)>& on_event = {});

  private:
    LlamaHost();
    ~LlamaHost();
    static void log(void* context, int32_t level, hearth_str text);

    std::filesystem::path scratch_;
    std::string scratch_text_;
    hearth_host host_{};
    const hearth_backend* backend_ = nullptr;
    mutable std::mutex mutex_;
    std::string logs_;
};

} // namespace hearth::test
