#include "base/error.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/pull/fetcher.hpp"
#include "registry/pull/http_text.hpp"
#include "registry/pull/local_file.hpp"
#include "registry/pull/source_login.hpp"
#include "registry/pull/survey.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

namespace asio = boost::asio;

namespace hearth::registry {

namespace {

constexpr std::string_view file_scheme = "file://";
constexpr std::uint64_t mebibyte = 1 << 20;
/// Sizes of what is read one after the other: most tokenizers end within 8 MiB (reference memory.md 1.2).
constexpr std::array<std::uint64_t, 8> steps = {Survey::quick_bytes, 1 * mebibyte,  4 * mebibyte,
                                                8 * mebibyte,        16 * mebibyte, 32 * mebibyte,
                                                64 * mebibyte,       256 * mebibyte};

/// The first step that holds more than `have` bytes, and `at_least`.
std::uint64_t next_step(std::uint64_t have, std::uint64_t at_least) {
    const auto holds = [&](std::uint64_t step) { return step > have && step >= at_least; };
    const auto found = std::ranges::find_if(steps, holds);
    return found == steps.end() ? have : *found;
}

/// One ranged GET, with the login that its file may need.
class PartRequest {
  public:
    PartRequest(Fetcher& fetcher, PublishedFile file, std::uint64_t from, std::uint64_t to)
        : fetcher_(fetcher), file_(std::move(file)), from_(from), to_(to) {}

    asio::awaitable<std::string> run();

  private:
    asio::awaitable<std::unique_ptr<FetchResponse>> ask();
    void check(const FetchResponse& response) const;
    asio::awaitable<std::string> receive(FetchResponse& response, std::uint64_t skip) const;

    Fetcher& fetcher_;
    PublishedFile file_;
    std::uint64_t from_;
    std::uint64_t to_;
};

asio::awaitable<std::unique_ptr<FetchResponse>> PartRequest::ask() {
    FetchRequest request;
    request.url = file_.url;
    request.insecure = file_.insecure;
    request.authorization = file_.login ? file_.login->authorization() : std::string();
    request.range_from = from_;
    request.range_bytes = to_ - from_;
    request.if_range = from_ > 0 ? file_.validator : std::string();
    co_return co_await fetcher_.get(std::move(request));
}

asio::awaitable<std::string> PartRequest::run() {
    std::unique_ptr<FetchResponse> response = co_await ask();
    if (response->status() == 401 && file_.login) {
        const std::string challenge = response->header("www-authenticate");
        response.reset();
        co_await file_.login->log_in(challenge);
        response = co_await ask();
    }
    if (response->status() == 416) { // the file ends before
        co_return std::string();
    }
    check(*response);
    const std::uint64_t skip = response->status() == 206 ? 0 : from_;
    co_return co_await receive(*response, skip);
}

void PartRequest::check(const FetchResponse& response) const {
    const int status = response.status();
    const auto start = parse_url_start(response.final_url());
    const std::string host = start ? start->host : "the server";
    if (status == 429 || status == 408 || status >= 500) {
        throw TransientError(ErrorCode::registry_failed,
                             fmt::format("{} answers with status {}", host, status),
                             parse_retry_after(response.header("retry-after")));
    }
    if (status == 401 || status == 403) {
        throw file_.login ? file_.login->refusal(response, file_.name)
                          : Error(ErrorCode::registry_denied,
                                  fmt::format("{} refuses {} (status {})", host, file_.name, status));
    }
    if (status == 404 || status == 410) {
        throw Error(ErrorCode::model_not_found, fmt::format("{} does not have {}", host, file_.name));
    }
    const std::string encoding = response.header("content-encoding");
    const auto range = parse_content_range(response.header("content-range"));
    const bool right_part = status != 206 || (range && range->first == from_);
    if ((status != 200 && status != 206) || !right_part || (!encoding.empty() && encoding != "identity")) {
        throw Error(ErrorCode::registry_failed,
                    fmt::format("{} does not give the part of {} that was asked for (status {})", host,
                                file_.name, status));
    }
    if (is_web_page(response.header("content-type"), {})) {
        throw Error(ErrorCode::registry_failed,
                    fmt::format("{} sent a web page instead of {}", host, file_.name),
                    "a login page, a captive portal or a proxy may be in the way");
    }
}

asio::awaitable<std::string> PartRequest::receive(FetchResponse& response, std::uint64_t skip) const {
    const std::uint64_t wanted = to_ - from_;
    std::string part;
    while (part.size() < wanted) {
        const auto bytes = co_await response.read();
        if (!bytes) {
            break;
        }
        const auto skipped = std::min<std::uint64_t>(skip, bytes->size());
        skip -= skipped;
        part.append(*bytes, skipped, wanted - part.size());
    }
    if (part.size() < wanted && file_.size_bytes > 0) { // to_ lies inside the file
        throw TransientError(ErrorCode::registry_unreachable,
                             fmt::format("{} of {} bytes of {} came", part.size(), wanted, file_.name));
    }
    co_return part;
}

} // namespace

asio::awaitable<std::string> Survey::read_part(PublishedFile file, std::uint64_t from, std::uint64_t to) {
    if (file.size_bytes > 0) {
        to = std::min(to, file.size_bytes);
    }
    if (from >= to) {
        co_return std::string();
    }
    if (file.url.starts_with(file_scheme)) {
        auto read = [path = file.url.substr(file_scheme.size()), from, to] {
            return LocalFile(path).read(from, to - from);
        };
        co_return co_await run_blocking(disk_, std::move(read));
    }
    PartRequest request(fetcher_, std::move(file), from, to);
    const auto attempt = [&request] { return request.run(); };
    co_return co_await with_retries(retry_, attempt);
}

asio::awaitable<std::string> Survey::read_prefix(PublishedFile file, std::uint64_t bytes) {
    co_return co_await read_part(std::move(file), 0, bytes);
}

asio::awaitable<PublishedHeader> Survey::read_header(PublishedFile file, HeaderDepth depth,
                                                     std::uint64_t budget_bytes) {
    std::string bytes;
    PublishedHeader read;
    for (std::uint64_t target = quick_bytes; target > bytes.size();) {
        target = std::min(target, budget_bytes);
        const std::string part = co_await read_part(file, bytes.size(), target);
        bytes += part;
        const bool is_all = bytes.size() < target; // of a file whose size nobody said
        const std::uint64_t size = file.size_bytes > 0 ? file.size_bytes
                                   : is_all            ? bytes.size()
                                                       : gguf::ByteSource::unknown_size;
        auto parse = [&bytes, size] { return gguf::parse_header_prefix(gguf::PrefixSource(bytes, size)); };
        try {
            read.prefix = co_await run_blocking(disk_, std::move(parse));
        } catch (Error& error) {
            error.add_context(file.name);
            throw;
        }
        read.bytes_read = bytes.size();
        const bool enough = depth == HeaderDepth::quick || read.prefix.complete || part.empty();
        target =
            enough || read.prefix.at_least > budget_bytes ? 0 : next_step(bytes.size(), read.prefix.at_least);
    }
    co_return read;
}

} // namespace hearth::registry
