#include "daemon/known_answer.hpp"

#include "base/error.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace hearth::daemon {

namespace {

constexpr std::int64_t format_version = 1;

double number(const Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number()) {
        throw Error(ErrorCode::store_failed, fmt::format("the known answers have no number \"{}\"", name));
    }
    return found->get<double>();
}

KnownScores parse_scores(const Json& row) {
    KnownScores scores;
    scores.text = require_string(row, "text");
    for (const Json& token : row.value("logprobs", Json::array())) {
        scores.logprobs.emplace_back(require_string(token, "token"), number(token, "logprob"));
    }
    return scores;
}

/// @return how far the worst token is off; nullopt: one is not among the likeliest any more
std::optional<double> largest_difference(const KnownScores& known, const KnownScores& got) {
    double largest = 0;
    for (const auto& [token, logprob] : known.logprobs) {
        const auto found =
            std::ranges::find(got.logprobs, token, [](const auto& pair) { return pair.first; });
        if (found == got.logprobs.end() || !std::isfinite(found->second)) {
            return std::nullopt;
        }
        largest = std::max(largest, std::abs(found->second - logprob));
    }
    return largest;
}

} // namespace

KnownAnswers KnownAnswers::parse(const std::string& text) {
    const Json file = parse_json(text, "the known answers");
    if (!file.is_object() || get_integer(file, "version") != format_version) {
        throw Error(ErrorCode::store_failed, "the known answers were made by another version of Hearth");
    }
    KnownAnswers known;
    known.tolerance = number(file, "tolerance");
    for (const Json& row : file.value("chats", Json::array())) {
        known.chats.push_back({require_string(row, "question"), require_string(row, "answer")});
    }
    for (const Json& row : file.value("texts", Json::array())) {
        known.texts.push_back(parse_scores(row));
    }
    if (known.chats.empty() || known.texts.empty()) {
        throw Error(ErrorCode::store_failed, "the known answers are empty");
    }
    return known;
}

Json KnownAnswers::to_json() const {
    Json file = {{"version", format_version},
                 {"tolerance", tolerance},
                 {"chats", Json::array()},
                 {"texts", Json::array()}};
    for (const KnownChat& chat : chats) {
        file["chats"].push_back({{"question", chat.question}, {"answer", chat.answer}});
    }
    for (const KnownScores& scores : texts) {
        Json tokens = Json::array();
        for (const auto& [token, logprob] : scores.logprobs) {
            tokens.push_back({{"token", token}, {"logprob", logprob}});
        }
        file["texts"].push_back({{"text", scores.text}, {"logprobs", std::move(tokens)}});
    }
    return file;
}

Verdict compare(const KnownAnswers& known, const KnownAnswers& got) {
    Verdict verdict;
    for (std::size_t at = 0; at < known.chats.size(); ++at) {
        if (at >= got.chats.size() || got.chats[at].answer != known.chats[at].answer) {
            verdict.fault =
                fmt::format("the answer to \"{}\" is not the recorded one", known.chats[at].question);
            return verdict;
        }
    }
    for (std::size_t at = 0; at < known.texts.size(); ++at) {
        const auto off =
            at < got.texts.size() ? largest_difference(known.texts[at], got.texts[at]) : std::nullopt;
        if (!off) {
            verdict.fault =
                fmt::format("the tokens after \"{}\" are not the recorded ones", known.texts[at].text);
            return verdict;
        }
        verdict.largest_difference = std::max(verdict.largest_difference, *off);
    }
    if (verdict.largest_difference > known.tolerance) {
        verdict.fault = fmt::format("a probability is off by {:.4f} in its logarithm, {:.4f} is allowed",
                                    verdict.largest_difference, known.tolerance);
    }
    return verdict;
}

} // namespace hearth::daemon
