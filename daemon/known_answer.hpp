#pragma once

#include "base/json.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What Ember answers where everything computes right, and whether another machine says the same. Values and pure
/// functions.
namespace hearth::daemon {

/// A question and its whole answer at temperature 0: at each step the best token is far ahead of the second, so
/// that rounding does not change it.
struct KnownChat {
    std::string question;
    std::string answer;
};

/// A text without sense and the likeliest tokens after it with the logarithms of their probabilities: no token is
/// far ahead, so that a wrong number anywhere in the weights or the arithmetic moves them.
struct KnownScores {
    std::string text;
    std::vector<std::pair<std::string, double>> logprobs;
};

struct KnownAnswers {
    std::vector<KnownChat> chats;
    std::vector<KnownScores> texts;
    double tolerance = 0; ///< how far a logarithm may be off: more than CPU variants differ

    /// @throws Error  store_failed: damaged, made by another version
    static KnownAnswers parse(const std::string& text);
    Json to_json() const;
};

struct Verdict {
    std::string fault;             ///< what is wrong; empty: nothing
    double largest_difference = 0; ///< of the logarithms
    bool passed() const { return fault.empty(); }
};

/// @param got  the answers to the same questions, in their order; of a text at least as many tokens
Verdict compare(const KnownAnswers& known, const KnownAnswers& got);

} // namespace hearth::daemon
