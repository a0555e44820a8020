#include "daemon/handlers/embedding.hpp"

#include "base/error.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace hearth::daemon {

namespace asio = boost::asio;

namespace {

asio::awaitable<Json> ask(runtime::RunnerLease& lease, std::vector<std::string> texts, Scale scale) {
    Json body = {{"input", std::move(texts)}};
    if (scale == Scale::raw) {
        body["normalize"] = false;
    }
    co_return co_await run_single(lease, "embed", to_text(body));
}

/// Not inside a character.
std::size_t character_begin(const std::string& text, std::size_t position) {
    while (position > 0 && (static_cast<unsigned char>(text[position]) & 0xc0) == 0x80) {
        --position;
    }
    return position;
}

/// The front of the text that is at most `limit` tokens long.
asio::awaitable<std::string> cut(runtime::RunnerLease& lease, std::string text, std::int64_t limit) {
    for (;;) {
        const Json body = {{"content", text}, {"add_special", true}};
        const Json event = co_await run_single(lease, "tokenize", to_text(body));
        const auto tokens = static_cast<std::int64_t>(event.value("tokens", Json::array()).size());
        if (tokens <= limit || text.size() < 2) {
            co_return text;
        }
        const double share = static_cast<double>(limit) / static_cast<double>(tokens);
        const auto kept = static_cast<std::size_t>(static_cast<double>(text.size() - 1) * share);
        text.resize(character_begin(text, kept));
    }
}

} // namespace

std::vector<float> shorten(std::vector<float> vector, std::int64_t dimensions) {
    if (dimensions >= static_cast<std::int64_t>(vector.size())) {
        return vector;
    }
    vector.resize(static_cast<std::size_t>(dimensions));
    double square = 0;
    for (const float value : vector) {
        square += static_cast<double>(value) * value;
    }
    if (square > 0) {
        const auto factor = static_cast<float>(1.0 / std::sqrt(square));
        std::ranges::transform(vector, vector.begin(), [factor](float value) { return value * factor; });
    }
    return vector;
}

asio::awaitable<Embeddings> embed(runtime::RunnerLease& lease, std::vector<std::string> texts, bool truncate,
                                  std::optional<std::int64_t> dimensions, Scale scale) {
    Embeddings result;
    if (texts.empty()) {
        co_return result;
    }
    Json event;
    bool too_long = false;
    try {
        event = co_await ask(lease, texts, scale);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::context_exceeded) {
            throw;
        }
        too_long = true;
    }
    if (too_long) {
        if (!truncate || !lease.plugin().has_operation("tokenize")) {
            throw Error(ErrorCode::context_exceeded, "the input length exceeds the context length");
        }
        for (std::string& text : texts) {
            text = co_await cut(lease, std::move(text), lease.context_tokens());
        }
        event = co_await ask(lease, std::move(texts), scale);
    }
    const Json vectors = event.value("embeddings", Json::array());
    for (const Json& vector : vectors) {
        auto values = vector.get<std::vector<float>>();
        result.vectors.push_back(dimensions ? shorten(std::move(values), *dimensions) : std::move(values));
    }
    result.tokens = event.value("tokens", std::int64_t{0});
    co_return result;
}

} // namespace hearth::daemon
