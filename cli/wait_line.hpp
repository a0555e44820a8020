#pragma once

#include "base/json.hpp"

#include <string>
#include <string_view>

namespace hearth::cli {

/// What a model that is not ready yet keeps a person waiting for, on stderr. On a terminal one line, drawn over and
/// wiped at the end; elsewhere a line when the place in the queue or the reason changes, and none for loading.
class WaitLine {
  public:
    explicit WaitLine(bool terminal);
    /// Wipes the line.
    ~WaitLine();
    WaitLine(const WaitLine&) = delete;

    /// @param event  {"status": "waiting", "ahead", "reason"} or {"status": "loading", "stage", "fraction"}
    /// @return whether it was one of these
    bool show(const Json& event);
    void wipe();

  private:
    bool terminal_;
    bool drawn_ = false;
    std::string told_;
};

/// "waiting: 2 ahead, small is in use by 1 request"; "waiting: next, …".
std::string waiting_text(const Json& event);

} // namespace hearth::cli
