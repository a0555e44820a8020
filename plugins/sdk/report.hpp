#pragma once

#include <functional>
#include <stdexcept>
#include <string>

namespace hearth::sdk {

/// What a check throws when the plugin is wrong; the text says what was seen and what the ABI wants.
class Violation : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// In the header so that an analyser sees what holds after it. @throws Violation  with `why` unless `condition`
inline void require(bool condition, const std::string& why) {
    if (!condition) {
        throw Violation(why);
    }
}

/// Runs checks one by one and prints a line for each as soon as it is known: `ok   name` or `fail name —
/// why`, or with --json one object a line. A plugin that crashes or hangs inside a check fails that check and
/// ends the program: nothing can be trusted after.
class Report {
  public:
    enum class Format { text, json_lines };
    explicit Report(Format format);

    /// @return false when the check failed: what builds on it is left out
    bool check(const std::string& name, const std::function<void()>& body);
    /// A check that makes no sense here; counted apart.
    void skip(const std::string& name, const std::string& why);
    /// The last line, with the counts. @return the exit code
    int finish();

  private:
    void print(const std::string& word, const std::string& name, const std::string& why) const;

    Format format_;
    int passed_ = 0;
    int failed_ = 0;
    int skipped_ = 0;
};

} // namespace hearth::sdk
