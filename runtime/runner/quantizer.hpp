#pragma once

#include "base/json.hpp"
#include "base/unique_fd.hpp"
#include "registry/model.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace hearth::runtime {

struct PluginManifest;

/// What to make of a model.
struct QuantizeSpec {
    std::string type; ///< "Q4_K_M"
    int threads = 0;  ///< 0: all cores
};

/// A `hearth-runner` that loads no model and makes smaller ones: confined like every other. On the io executor.
/// `stop()` must have returned before it is destroyed; only then is nobody left who could write to the output.
class Quantizer {
  public:
    virtual ~Quantizer() = default;

    /// {"types": [{"name", "aliases"}…], "refused": [{"name", "reason"}…]}
    virtual boost::asio::awaitable<Json> types() = 0;
    /// From the headers alone: {"type", "input_bytes", "output_bytes", "elements", "tensors": [{"type", "count",
    /// "elements", "bytes"}…]}.
    /// @throws Error  invalid_argument, unsupported (this source or type, with the reason), model_invalid,
    ///                runner_lost
    virtual boost::asio::awaitable<Json> plan(QuantizeSpec spec,
                                              std::vector<registry::OpenModelFile> files) = 0;
    /// Writes the smaller model.
    /// @param output    an empty file, open for writing; consumed
    /// @param progress  stage and 0 … 1, on the io thread
    /// @return          as plan
    virtual boost::asio::awaitable<Json> run(QuantizeSpec spec, std::vector<registry::OpenModelFile> files,
                                             UniqueFd output,
                                             std::function<void(std::string, double)> progress) = 0;
    virtual pid_t pid() const = 0;
    /// Ends the process at once, whatever it does: nothing of it is needed. Returns when it is reaped.
    virtual boost::asio::awaitable<void> stop() = 0;
};

/// Starts a runner for a plugin that offers "quantize". @throws Error backend_failed
boost::asio::awaitable<std::unique_ptr<Quantizer>> start_quantizer(boost::asio::any_io_executor executor,
                                                                   PluginManifest plugin);

} // namespace hearth::runtime
