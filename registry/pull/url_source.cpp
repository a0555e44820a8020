#include "base/error.hpp"
#include "base/sha256.hpp"
#include "registry/pull/http_text.hpp"
#include "registry/pull/sources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace asio = boost::asio;

namespace hearth::registry {

namespace {

constexpr std::string_view shard_pattern = "-00001-of-00001.gguf"; // for its length
constexpr std::uint64_t most_shards = 512;

bool is_digits(std::string_view text) {
    return std::ranges::all_of(text, [](char letter) { return letter >= '0' && letter <= '9'; });
}

struct Probe {
    int status = 0;
    std::optional<std::uint64_t> size;
    std::string validator;
    bool is_page = false;
};

Probe read_probe(const FetchResponse& response) {
    Probe probe;
    probe.status = response.status();
    if (response.header("content-encoding").empty()) {
        probe.size = parse_length(response.header("content-length"));
    }
    const std::string tag = response.header("etag");
    const std::string date = response.header("last-modified");
    // If-Range takes strong validators only. A date is one when it is not the same second as the answer;
    // servers of large files are fine.
    probe.validator = !tag.empty() && !tag.starts_with("W/") ? tag : date;
    probe.is_page = is_web_page(response.header("content-type"), {});
    return probe;
}

asio::awaitable<Probe> ask(Fetcher& fetcher, FetchRequest request) {
    const std::unique_ptr<FetchResponse> response = co_await fetcher.get(std::move(request));
    Probe probe = read_probe(*response);
    if (probe.status == 429 || probe.status == 408 || probe.status >= 500) {
        throw TransientError(ErrorCode::registry_failed,
                             fmt::format("the server answers with status {}", probe.status),
                             parse_retry_after(response->header("retry-after")));
    }
    co_return probe;
}

/// HEAD; where that is not allowed (signed URLs are for GET), a GET whose body is not read.
asio::awaitable<Probe> ask_either_way(Fetcher& fetcher, FetchRequest request) {
    request.head_only = true;
    Probe probe = co_await ask(fetcher, request);
    if (probe.status == 400 || probe.status == 403 || probe.status == 405 || probe.status == 501) {
        request.head_only = false;
        probe = co_await ask(fetcher, request);
    }
    co_return probe;
}

asio::awaitable<Probe> ask_patiently(Fetcher& fetcher, FetchRequest request, RetryOptions retry) {
    const auto attempt = [&] { return ask_either_way(fetcher, request); };
    co_return co_await with_retries(retry, attempt);
}

void check_probe(const Probe& probe, const std::string& name, const std::string& host) {
    if (probe.status == 404 || probe.status == 410) {
        throw Error(ErrorCode::model_not_found, fmt::format("{} does not have {}", host, name));
    }
    if (probe.status == 401 || probe.status == 403) {
        throw Error(ErrorCode::registry_denied,
                    fmt::format("{} refuses {} (status {})", host, name, probe.status));
    }
    if (probe.status != 200 && probe.status != 206) {
        throw Error(ErrorCode::registry_failed, fmt::format("{} answers with status {}", host, probe.status));
    }
    if (probe.is_page) {
        throw Error(ErrorCode::registry_failed, fmt::format("{} sent a web page instead of {}", host, name),
                    "use the address of the file itself; a captive portal or a proxy may also be in the way");
    }
    if (probe.size && *probe.size < 24) {
        throw Error(ErrorCode::model_invalid, name + " is too short to be a model");
    }
}

} // namespace

std::string file_name_of(std::string_view path) {
    path = path.substr(0, path.find('?'));
    return std::string(path.substr(path.rfind('/') + 1));
}

std::vector<std::string> shard_paths(std::string_view path) {
    const std::string_view file = path.substr(0, path.find('?'));
    const std::string_view query = path.substr(file.size());
    if (file.size() <= shard_pattern.size()) {
        return {std::string(path)};
    }
    const std::string_view suffix = file.substr(file.size() - shard_pattern.size());
    const bool is_shard = suffix[0] == '-' && is_digits(suffix.substr(1, 5)) &&
                          suffix.substr(6, 4) == "-of-" && is_digits(suffix.substr(10, 5));
    if (!is_shard) {
        return {std::string(path)};
    }
    const std::uint64_t index = parse_length(suffix.substr(1, 5)).value_or(0);
    const std::uint64_t count = parse_length(suffix.substr(10, 5)).value_or(0);
    if (count == 0 || count > most_shards || index == 0 || index > count) {
        throw Error(ErrorCode::bad_reference,
                    fmt::format("{}: there is no part {} of {}", file_name_of(path), index, count));
    }
    const std::string_view stem = file.substr(0, file.size() - shard_pattern.size());
    std::vector<std::string> paths;
    for (std::uint64_t shard = 1; shard <= count; ++shard) {
        paths.push_back(fmt::format("{}-{:05}-of-{:05}{}{}", stem, shard, count, suffix.substr(15), query));
    }
    return paths;
}

asio::awaitable<std::vector<FileSource>> probe_url(Fetcher& fetcher, ModelRef ref, bool insecure,
                                                   RetryOptions retry) {
    retry.attempts = std::min(retry.attempts, 4); // somebody waits for the first line
    const std::vector<std::string> paths = shard_paths(ref.repository);
    if (ref.pin && paths.size() > 1) {
        throw Error(ErrorCode::bad_reference,
                    fmt::format("a pin is the digest of one file, this model has {}", paths.size()));
    }
    std::vector<FileSource> sources;
    for (const std::string& path : paths) {
        FetchRequest request;
        request.url = ref.origin() + path;
        request.insecure = insecure;
        const Probe probe = co_await ask_patiently(fetcher, request, retry);
        check_probe(probe, file_name_of(path), ref.host);
        FileSource source;
        source.name = file_name_of(path);
        source.url = request.url;
        source.digest = ref.pin;
        source.size = probe.size;
        source.validator = probe.validator;
        source.is_gguf = true;
        source.insecure = insecure;
        sources.push_back(std::move(source));
    }
    co_return sources;
}

Digest source_key(const FileSource& source) {
    return sha256_of(fmt::format("{}\n{}\n{}", source.url, source.validator, source.size.value_or(0)));
}

Digest place_key(const FileSource& source) {
    return sha256_of("newest version of\n" + source.url);
}

} // namespace hearth::registry
