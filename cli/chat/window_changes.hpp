#pragma once

#include "base/pipe.hpp"

namespace hearth::cli {

/// A terminal of another size (SIGWINCH), and a program that goes on after Ctrl-Z (SIGCONT), as a descriptor. Handlers are
/// installed while the object lives. One object at a time.
class WindowChanges {
  public:
    /// @throws Error internal
    WindowChanges();
    ~WindowChanges();
    WindowChanges(const WindowChanges&) = delete;

    /// Readable when the screen has to be drawn anew.
    int fd() const noexcept { return pipe_.read_end.get(); }
    /// Forgets what came. @return whether the program went on after a stop: the shell has changed the terminal's mode
    bool take() noexcept;

  private:
    Pipe pipe_;
};

} // namespace hearth::cli
