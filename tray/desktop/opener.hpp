#pragma once

#include "process/spawn.hpp"

#include <string>
#include <vector>

namespace hearth::tray {

/// Opens files and pages with the program that the user chose for them (`xdg-open`). What it starts outlives us. One
/// thread.
class Opener {
  public:
    Opener() = default;
    ~Opener();
    Opener(const Opener&) = delete;

    /// @param target            a path or an address
    /// @param activation_token  of the click, so that the window may come forward; may be empty
    /// @throws Error  backend_failed when there is no xdg-open
    void open(const std::string& target, const std::string& activation_token);

  private:
    std::vector<process::Child> started_;
};

} // namespace hearth::tray
