#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace hearth::testing {

/// Sets an environment variable (or unsets it, for nullptr) and puts the old value back.
class ScopedVariable {
  public:
    ScopedVariable(const char* name, const char* value) : name_(name) {
        if (const char* old = std::getenv(name)) {
            old_ = old;
        }
        assign(value);
    }
    ~ScopedVariable() { assign(old_ ? old_->c_str() : nullptr); }
    ScopedVariable(const ScopedVariable&) = delete;

  private:
    void assign(const char* value) {
        if (value != nullptr) {
            ::setenv(name_, value, 1);
        } else {
            ::unsetenv(name_);
        }
    }

    const char* name_;
    std::optional<std::string> old_;
};

} // namespace hearth::testing
