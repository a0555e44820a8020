#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct ggml_backend_device;

namespace hearth::llama {

/// A GPU that is not there: what a plan asks about.
struct PretendedDevice {
    std::string id; ///< "cuda0"
    std::uint64_t bytes = 0;
};

struct PretendedEntry;

/// Devices for llama.cpp's dry run that have a size and nothing else. They lay tensors out as the CUDA backend
/// does (alignment of 128, quantized rows padded to 512 elements, a host buffer type, pipelined copies with
/// several devices), own no memory and compute nothing: a model must never be loaded on them. The object outlives every llama_model
/// and llama_context that uses them.
class PretendedDevices {
  public:
    explicit PretendedDevices(const std::vector<PretendedDevice>& devices);
    ~PretendedDevices();
    PretendedDevices(const PretendedDevices&) = delete;

    /// In order, with a null pointer at the end: what llama_model_params.devices points to. Empty without
    /// devices.
    std::vector<ggml_backend_device*> list() const;

  private:
    std::vector<std::unique_ptr<PretendedEntry>> entries_; // the engine keeps pointers into them
};

} // namespace hearth::llama
