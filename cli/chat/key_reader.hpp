#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace hearth::cli {

class Interrupt;
class WindowChanges;

/// What came from the terminal.
enum class Key { character, interrupted, end };

/// The terminal's characters, for libedit and for pastes: libedit's own reader ends the line at any signal and knows neither
/// our interrupt nor a resize. What is typed ahead stays here for the next line. Used by one LineEditor.
class KeyReader {
  public:
    /// @param fd         the terminal
    /// @param on_change  called while waiting, when the screen has to be drawn anew; whether after a stop
    KeyReader(int fd, const Interrupt& interrupt, std::function<void(bool was_stopped)> on_change);

    /// Where changes of the window are told from now on; null: nowhere.
    void watch(WindowChanges* changes) noexcept { changes_ = changes; }

    /// One byte. An interrupt drops what is typed ahead.
    Key next_byte(char& byte);
    /// One character of the locale's encoding; bytes that are none are left out.
    Key next_character(wchar_t& character);

  private:
    Key wait_and_fill();

    int fd_;
    const Interrupt& interrupt_;
    std::function<void(bool)> on_change_;
    WindowChanges* changes_ = nullptr;
    std::string ahead_;
    std::size_t at_ = 0; ///< in ahead_
};

} // namespace hearth::cli
