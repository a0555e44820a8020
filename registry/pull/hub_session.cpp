#include "registry/pull/hub_session.hpp"

#include "base/error.hpp"
#include "registry/pull/http_text.hpp"
#include "registry/pull/hub_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace asio = boost::asio;

namespace hearth::registry {

namespace {

constexpr std::uint64_t page_limit_bytes = std::uint64_t{4}
                                           << 20; // a page holds 1000 entries, half a megabyte
constexpr std::size_t most_entries = 20'000;
constexpr int most_pages = 500;

const char* describe_contents(const HubGroups& groups) {
    return groups.incomplete.empty() ? "holds no model in the GGUF format"
                                     : "holds only models of which parts are missing";
}

} // namespace

HubSession::HubSession(Fetcher& fetcher, BlockingPool& disk, HubAccess access, const ModelRef& ref,
                       RetryOptions retry)
    : fetcher_(fetcher), disk_(disk), access_(std::move(access)), retry_(for_small_requests(retry)),
      repository_(ref.repository) {}

asio::awaitable<void> HubSession::open() {
    auto read = [this] { return access_.authorization(); };
    authorization_ = co_await run_blocking(disk_, std::move(read));
    const Answer answer = co_await get(fmt::format("/api/models/{}/revision/main", repository_));
    auto parse = [&answer] { return parse_hub_info(answer.body); };
    const HubInfo info = co_await run_blocking(disk_, std::move(parse));
    commit_ = info.commit;
    if (!info.repository.empty()) {
        repository_ = info.repository;
    }
}

asio::awaitable<std::vector<HubFile>> HubSession::files() {
    const std::string path = fmt::format("/api/models/{}/tree/{}?recursive=true", repository_, commit_);
    std::vector<HubFile> files;
    std::size_t entries = 0;
    std::string query;
    for (int pages = 0; pages == 0 || !query.empty(); ++pages) {
        // The link's own query repeats what the first one asked for.
        const Answer answer = co_await get(query.empty() ? path : path.substr(0, path.find('?') + 1) + query);
        auto parse = [&answer] { return parse_hub_page(answer.body); };
        HubPage page = co_await run_blocking(disk_, std::move(parse));
        std::ranges::move(page.files, std::back_inserter(files));
        entries += page.entries;
        if (entries > most_entries || pages >= most_pages) {
            throw Error(ErrorCode::too_large,
                        fmt::format("{} has more than {} files", repository_, most_entries),
                        "pull one file by its address: https://…/resolve/main/….gguf");
        }
        query = next_page_query(answer.link);
    }
    co_return files;
}

std::string HubSession::file_url(const std::string& path) const {
    return fmt::format("{}/{}/resolve/{}/{}", access_.endpoint, repository_, commit_, encode_path(path));
}

asio::awaitable<void> HubSession::log_in(std::string /*challenge*/) {
    co_return; // what there was to show was shown; the same answer comes again, and `refusal` says what it means
}

HubRefusal HubSession::reduce(const FetchResponse& response) const {
    HubRefusal refusal;
    refusal.status = response.status();
    refusal.code = response.header("x-error-code");
    refusal.message = response.header("x-error-message");
    refusal.page = access_.endpoint + "/" + repository_;
    refusal.repository = "hf.co/" + repository_;
    refusal.with_token = !authorization_.empty();
    return refusal;
}

Error HubSession::refusal(const FetchResponse& response, const std::string& file) const {
    const auto here = parse_url_start(access_.endpoint);
    const auto there = parse_url_start(response.final_url());
    if (here && there && here->host != there->host) { // the store behind the Hub, whose links expire
        return Error(ErrorCode::registry_denied,
                     fmt::format("{} refuses {} (status {})", there->host, file, response.status()),
                     "pull again; a proxy may also be in the way");
    }
    return describe(reduce(response));
}

TransientError HubSession::busy(const FetchResponse& response) const {
    const int status = response.status();
    auto wait = parse_retry_after(response.header("retry-after"));
    wait = wait ? wait : parse_rate_limit(response.header("ratelimit"));
    TransientError error(ErrorCode::registry_failed,
                         status == 429 ? std::string("the Hub wants fewer requests (status 429)")
                                       : fmt::format("the Hub answers with status {}", status),
                         wait);
    error.set_hint(status == 429 && authorization_.empty() ? "with HF_TOKEN it allows more of them"
                                                           : "try again later");
    return error;
}

void HubSession::check(const FetchResponse& response) const {
    const int status = response.status();
    if (status == 429 || status == 408 || status >= 500) {
        throw busy(response);
    }
    if (status != 200) {
        throw describe(reduce(response));
    }
    if (is_web_page(response.header("content-type"), {})) {
        throw Error(ErrorCode::registry_failed, "a web page came instead of the Hub's answer",
                    "a captive portal or a proxy may be in the way, or HF_ENDPOINT names no Hub");
    }
}

asio::awaitable<HubSession::Answer> HubSession::get(std::string path) {
    FetchRequest request;
    request.url = access_.endpoint + path;
    request.accept = "application/json";
    request.authorization = authorization_;
    request.max_bytes = page_limit_bytes;
    const auto attempt = [&] { return get_once(request); };
    co_return co_await with_retries(retry_, attempt);
}

asio::awaitable<HubSession::Answer> HubSession::get_once(FetchRequest request) {
    const std::unique_ptr<FetchResponse> response = co_await fetcher_.get(std::move(request));
    check(*response);
    Answer answer;
    answer.link = response->header("link");
    while (auto bytes = co_await response->read()) {
        answer.body += *bytes;
        if (answer.body.size() > page_limit_bytes) { // fetch has its own count; the core does not rely on it
            throw Error(ErrorCode::too_large, "the Hub's answer has more than 4 MiB");
        }
    }
    co_return answer;
}

asio::awaitable<PublishedModel> survey_hub(Fetcher& fetcher, BlockingPool& disk, HubAccess access,
                                           ModelRef ref, RetryOptions retry) {
    const auto session = std::make_shared<HubSession>(fetcher, disk, std::move(access), ref, retry);
    co_await session->open();
    const std::vector<HubFile> files = co_await session->files();
    auto group = [&files] { return group_files(files); };
    HubGroups groups = co_await run_blocking(disk, std::move(group));
    if (groups.quants.empty()) {
        throw Error(
            ErrorCode::unsupported,
            fmt::format("hf.co/{} {}", session->repository(), describe_contents(groups)),
            "look for a repository with \"GGUF\" in its name: quantized models are often published apart");
    }
    PublishedModel model;
    model.repository = session->repository();
    model.commit = session->commit();
    model.incomplete = std::move(groups.incomplete);
    for (PublishedQuant& quant : groups.quants) {
        ModelRef named = ref;
        named.pin.reset();
        named.tag = quant.tag;
        quant.reference = named.full_name();
        for (PublishedFile& file : quant.files) {
            file.url = session->file_url(file.name);
            file.login = session;
        }
        model.quants.push_back(std::move(quant));
    }
    model.ref = std::move(ref);
    co_return model;
}

} // namespace hearth::registry
