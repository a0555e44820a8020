#pragma once

#include "base/pipe.hpp"

namespace hearth::cli {

/// Ctrl-C and SIGTERM as a descriptor: readable once one came, so that a wait can end without a race.
/// Handlers are installed without SA_RESTART: a blocked read ends too. One object at a time, made by main.
class Interrupt {
  public:
    /// @throws Error internal
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;

    /// Readable when interrupted. Never read it.
    int fd() const noexcept { return pipe_.read_end.get(); }
    bool pending() const noexcept;
    /// SIGTERM came: the program shall end, also where Ctrl-C ends only what it is doing.
    bool terminated() const noexcept;
    /// Forgets what came, for a program that goes on.
    void clear() noexcept;
    /// @throws Error cancelled when one came
    void check() const;

  private:
    Pipe pipe_;
};

} // namespace hearth::cli
