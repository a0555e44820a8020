#pragma once

#include "base/json.hpp"
#include "plugins/abi/hearth_quantize.h"
#include "process/wire/server.hpp"

#include <string>

namespace hearth::runtime {

/// The calls of the plugin's quantize extension for one stream. [ctl]
class Quantizing {
  public:
    /// @throws Error  unsupported: the plugin has no such extension; backend_failed: a table that cannot be used
    Quantizing(const hearth_backend& backend, process::wire::ServerStream& stream);

    /// Each: the extension's event. @throws Error  what the plugin reported, invalid_argument
    std::string types() const;
    std::string plan(const Json& head) const;
    std::string run(const Json& head) const;

  private:
    const hearth_quantize& table_;
    process::wire::ServerStream& stream_;
};

} // namespace hearth::runtime
