#include "registry/pull/file_download.hpp"

#include "base/error.hpp"
#include "registry/pull/http_text.hpp"
#include "registry/pull/source_login.hpp"

#include <boost/asio/this_coro.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

namespace asio = boost::asio;

namespace hearth::registry {

namespace {

/// Bytes per trip to the disk pool: large enough that the trip costs nothing, small enough that a kill loses
/// little.
constexpr std::size_t batch_bytes = std::size_t{1} << 20;
/// On a slow line a batch is written after this time, so that a kill costs seconds, not megabytes.
constexpr auto batch_time = std::chrono::milliseconds(500);
/// Stores behind the Hub give larger files by ranges only (reference registry.md 2.3: 50 GB).
constexpr std::uint64_t largest_unranged_bytes = 40'000'000'000;
constexpr std::string_view gguf_magic = "GGUF";

std::string host_of(const FetchResponse& response) {
    const auto start = parse_url_start(response.final_url());
    return start ? start->host : "the server";
}

Error web_page_error(const std::string& host, const std::string& name) {
    return Error(ErrorCode::registry_failed, host + " sent a web page instead of " + name,
                 "a login page, a captive portal or a proxy may be in the way");
}

} // namespace

FileDownload::FileDownload(Fetcher& fetcher, BlockingPool& disk, PartialBlob& partial, FileSource source,
                           RetryOptions retry, std::function<void(std::uint64_t)> on_bytes)
    : fetcher_(fetcher), disk_(disk), partial_(partial), source_(std::move(source)), backoff_(retry),
      on_bytes_(std::move(on_bytes)), last_flush_(std::chrono::steady_clock::now()) {}

asio::awaitable<void> FileDownload::run() {
    report(partial_.offset());
    while (true) {
        const std::uint64_t before = partial_.offset();
        std::exception_ptr failure;
        try {
            if (co_await attempt()) {
                co_return;
            }
        } catch (...) {
            failure = std::current_exception();
        }
        if (partial_.offset() > before) {
            backoff_.reset();
        }
        if (failure) {
            co_await backoff_.wait_after(failure);
        }
    }
}

/// @return  true when the file is complete, false to ask again at once
asio::awaitable<bool> FileDownload::attempt() {
    const std::uint64_t offset = partial_.offset();
    if (source_.size == offset) {
        co_return true;
    }
    const std::unique_ptr<FetchResponse> response = co_await request(offset);
    const Plan plan = co_await judge(*response, offset);
    if (plan.repeat || plan.complete) {
        co_return plan.complete;
    }
    logged_in_ = refreshed_ = false; // a token or signed URL that expires later is renewed again
    if (plan.restart) {
        auto restart = [this] { partial_.restart(); };
        co_await run_blocking(disk_, std::move(restart));
    }
    co_await receive(*response, plan.skip);
    if (source_.size && partial_.offset() < *source_.size) {
        throw TransientError(ErrorCode::registry_unreachable,
                             fmt::format("{} ended {} after {} of {} bytes", host_of(*response), source_.name,
                                         partial_.offset(), *source_.size));
    }
    co_return true;
}

asio::awaitable<std::unique_ptr<FetchResponse>> FileDownload::request(std::uint64_t offset) {
    FetchRequest request;
    request.url = source_.url;
    request.insecure = source_.insecure;
    request.authorization = source_.login == nullptr ? std::string() : source_.login->authorization();
    if (use_range_ && (offset > 0 || is_huge())) {
        request.range_from = offset;
        request.range_bytes = is_huge() ? *source_.size - offset : 0;
        request.if_range = source_.validator;
    }
    co_return co_await fetcher_.get(std::move(request));
}

asio::awaitable<FileDownload::Plan> FileDownload::judge(const FetchResponse& response, std::uint64_t offset) {
    const int status = response.status();
    const std::string host = host_of(response);
    if (status == 401 || status == 403) {
        co_return co_await judge_denied(response);
    }
    if (status == 416) {
        co_return judge_beyond(response, offset);
    }
    if (status == 404 || status == 410) {
        const ErrorCode code =
            source_.login == nullptr ? ErrorCode::model_not_found : ErrorCode::registry_failed;
        throw Error(code, fmt::format("{} does not have {}", host, source_.name));
    }
    if (status == 429 || status == 408 || status >= 500) {
        throw TransientError(ErrorCode::registry_failed,
                             fmt::format("{} answers with status {}", host, status),
                             parse_retry_after(response.header("retry-after")));
    }
    if (status != 200 && status != 206) {
        throw Error(ErrorCode::registry_failed, fmt::format("{} answers with status {}", host, status));
    }
    const std::string encoding = response.header("content-encoding");
    if (!encoding.empty() && encoding != "identity") {
        throw Error(ErrorCode::registry_failed,
                    host + " sends " + source_.name + " compressed, which was not asked for");
    }
    if (source_.is_gguf && is_web_page(response.header("content-type"), {})) {
        throw web_page_error(host, source_.name);
    }
    co_return status == 206 ? judge_part(response, offset) : judge_whole(response, offset);
}

FileDownload::Plan FileDownload::judge_whole(const FetchResponse& response, std::uint64_t offset) {
    expect_same_version(response);
    if (const auto length = parse_length(response.header("content-length"))) {
        expect_size(*length);
    }
    const bool can_skip = source_.digest || !source_.validator.empty();
    return can_skip ? Plan{.skip = offset} : Plan{.restart = offset > 0};
}

FileDownload::Plan FileDownload::judge_part(const FetchResponse& response, std::uint64_t offset) {
    const auto range = parse_content_range(response.header("content-range"));
    const bool asked = use_range_ && (offset > 0 || is_huge());
    if (!asked || !range || range->first != offset) {
        use_range_ =
            false; // this server's ranges cannot be trusted: take the whole file and skip what is there
        throw TransientError(ErrorCode::registry_failed,
                             host_of(response) + " sent other bytes than were asked for");
    }
    expect_same_version(response);
    if (range->total) {
        expect_size(*range->total);
    }
    return Plan{};
}

FileDownload::Plan FileDownload::judge_beyond(const FetchResponse& response, std::uint64_t offset) const {
    const auto range = parse_content_range(response.header("content-range"));
    if (range && range->total == offset && (!source_.size || source_.size == offset)) {
        return Plan{.complete = true};
    }
    if (offset == 0) {
        throw Error(ErrorCode::registry_failed, host_of(response) + " has no bytes of " + source_.name);
    }
    throw TransientError(ErrorCode::registry_failed,
                         host_of(response) + " has fewer bytes than it announced");
}

asio::awaitable<FileDownload::Plan> FileDownload::judge_denied(const FetchResponse& response) {
    const bool unauthorized = response.status() == 401;
    if (unauthorized && source_.login != nullptr && !logged_in_) {
        logged_in_ = true;
        const std::string challenge = response.header("www-authenticate");
        co_await source_.login->log_in(challenge);
        co_return Plan{.repeat = true};
    }
    if (!unauthorized && !refreshed_) {
        refreshed_ = true;
        co_return Plan{.repeat = true};
    }
    if (source_.login != nullptr) {
        throw source_.login->refusal(response, source_.name);
    }
    throw Error(ErrorCode::registry_denied,
                fmt::format("{} refuses {} (status {})", host_of(response), source_.name, response.status()),
                "the model may need a login, or the link may have expired");
}

bool FileDownload::is_huge() const {
    return source_.size && *source_.size > largest_unranged_bytes;
}

void FileDownload::expect_size(std::uint64_t size) {
    if (source_.size && *source_.size != size) {
        throw Error(ErrorCode::registry_failed,
                    fmt::format("the server says that {} has {} bytes, expected {}", source_.name, size,
                                *source_.size));
    }
    source_.size = size;
}

void FileDownload::expect_same_version(const FetchResponse& response) const {
    if (source_.digest || source_.validator.empty()) {
        return; // the digest will tell; without either nobody can
    }
    const std::string tag = response.header("etag");
    const std::string date = response.header("last-modified");
    if ((!tag.empty() || !date.empty()) && tag != source_.validator && date != source_.validator) {
        throw Error(ErrorCode::registry_failed,
                    source_.name + " changed on the server while it was downloaded",
                    "pull again to get the new version");
    }
}

asio::awaitable<void> FileDownload::receive(FetchResponse& response, std::uint64_t skip) {
    std::exception_ptr failure;
    try {
        co_await receive_all(response, skip);
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure) {
        co_return;
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) { // or the flush below throws at once (style A6)
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    }
    if (first_bytes_checked_) { // what arrived is good: the next attempt goes on behind it
        co_await flush();
    }
    buffer_.clear();
    std::rethrow_exception(failure);
}

asio::awaitable<void> FileDownload::receive_all(FetchResponse& response, std::uint64_t skip) {
    buffer_.clear();
    buffer_.reserve(2 * batch_bytes);
    first_bytes_checked_ = !source_.is_gguf || partial_.offset() > 0;
    while (auto bytes = co_await response.read()) {
        const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip, bytes->size()));
        skip -= skipped;
        buffer_.append(*bytes, skipped);
        if (!first_bytes_checked_) {
            check_first_bytes(response);
        }
        report(partial_.offset() + buffer_.size());
        const bool late = std::chrono::steady_clock::now() - last_flush_ >= batch_time;
        if (first_bytes_checked_ && (buffer_.size() >= batch_bytes || late)) {
            co_await flush();
        }
    }
    if (!first_bytes_checked_) {
        throw Error(ErrorCode::model_invalid, source_.name + " is too short to be a model");
    }
    co_await flush();
}

/// A wrong file is recognised before a gigabyte of it is kept (failure catalogue 5 and 6).
void FileDownload::check_first_bytes(const FetchResponse& response) {
    if (buffer_.size() < gguf_magic.size()) {
        return;
    }
    if (!buffer_.starts_with(gguf_magic)) {
        const bool page = is_web_page({}, buffer_);
        throw Error(ErrorCode::model_invalid,
                    page ? host_of(response) + " sent a web page under the name of " + source_.name
                         : source_.name + " is not a GGUF file",
                    page ? "a login page, a captive portal or a proxy may be in the way"
                         : "Hearth runs models in the GGUF format; look for a GGUF version of this model");
    }
    first_bytes_checked_ = true;
}

asio::awaitable<void> FileDownload::flush() {
    last_flush_ = std::chrono::steady_clock::now();
    if (buffer_.empty()) {
        co_return;
    }
    struct Emptied { // also after an error, or the same bytes would be appended again; keeps the memory
        std::string& buffer;
        ~Emptied() { buffer.clear(); }
    } const emptied{buffer_};
    auto append = [this] { partial_.append(buffer_); };
    co_await run_blocking(disk_, std::move(append));
}

void FileDownload::report(std::uint64_t arrived) {
    if (arrived > reported_) {
        reported_ = arrived;
        on_bytes_(arrived);
    }
}

} // namespace hearth::registry
