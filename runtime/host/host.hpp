#pragma once

#include "base/json.hpp"
#include "plugins/abi/hearth_backend.h"
#include "process/wire/server.hpp"
#include "runtime/host/control_thread.hpp"
#include "runtime/host/model_slot.hpp"

#include <functional>
#include <string>

namespace hearth::runtime {

/// Answers the core's requests with the plugin's table: one object per process, its `serve` runs on a thread
/// per stream.
///
/// Heads of `open` frames, JSON objects:
///   {"op": "describe"} {"op": "devices"}            → end: the plugin's object
///   {"op": "estimate" | "load", "spec": {…}, "files": [{"role", "size", "shard", "of"}…]} with the
///   descriptors in the same order
///                                                   → load: data {"stage", "fraction"}…; end: the plugin's
///                                                   object (load: its info)
///   {"op": "request", "operation": "chat"}, body: the operation's JSON → data: one JSON object per frame
///   body (larger than a frame:
///                                                     several frames); end: empty
///   {"op": "measure", "threads": n, "milliseconds": n} → end: {"bandwidth", "devices"}, see measure.hpp
///   {"op": "quantize_types"}                        → end: the extension's object
///   {"op": "quantize_plan", "spec": {…}, "files": […]} → end: the extension's object
///   {"op": "quantize", "spec": {…}, "files": […]} with one more descriptor, the output, after the files'
///                                                   → data {"stage", "fraction"}…; end: the extension's object
///   {"op": "info"} {"op": "unload"}                 → end: the plugin's object, or empty
class Host {
  public:
    /// @param backend  initialised, lives as long as the process
    Host(const hearth_backend& backend, ControlThread& control);

    /// One stream. @throws Error  what the plugin reported, invalid_argument for a head that makes no sense
    void serve(process::wire::ServerStream& stream);

  private:
    void request(process::wire::ServerStream& stream, const std::string& operation);
    void estimate(process::wire::ServerStream& stream, const Json& head);
    void quantize(process::wire::ServerStream& stream, const Json& head, const std::string& operation);
    void load(process::wire::ServerStream& stream, const Json& head);
    void load_model(process::wire::ServerStream& stream, const Json& head);
    std::string info();

    const hearth_backend& backend_;
    ControlThread& control_;
    ModelSlot slot_;
};

} // namespace hearth::runtime
