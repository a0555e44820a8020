#include "registry/fetch/transfer.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "registry/fetch/hop.hpp"
#include "registry/fetch/proxy.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <utility>

namespace hearth::registry::fetch {

namespace {

constexpr int max_redirects = 5;

struct ListDeleter {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, ListDeleter>;

/// A header value from a registry's answer (a token) must not be able to start another header.
void add_header(HeaderList& list, const std::string& name, const std::string& value) {
    if (value.find_first_of(std::string("\r\n\0", 3)) != std::string::npos) {
        throw Error(ErrorCode::invalid_argument, "the " + name + " header holds a line break");
    }
    const std::string line = name + ": " + value;
    curl_slist* shorter = list.release(); // the longer list takes over what it holds, unless there is none
    curl_slist* longer = curl_slist_append(shorter, line.c_str());
    list.reset(longer != nullptr ? longer : shorter);
    if (longer == nullptr) {
        throw std::bad_alloc();
    }
}

HeaderList headers_for(const FetchRequest& request, bool same_origin) {
    HeaderList list;
    if (!request.accept.empty()) {
        add_header(list, "Accept", request.accept);
    }
    if (request.range_from > 0 || request.range_bytes > 0) {
        const std::string last =
            request.range_bytes > 0 ? fmt::to_string(request.range_from + request.range_bytes - 1) : "";
        add_header(list, "Range", fmt::format("bytes={}-{}", request.range_from, last));
        if (!request.if_range.empty()) {
            add_header(list, "If-Range", request.if_range);
        }
    }
    if (!request.authorization.empty() && same_origin) {
        add_header(list, "Authorization", request.authorization);
    }
    return list;
}

/// The variables that OpenSSL and the curl tool read; libcurl by itself reads none.
void set_authorities(CURL* handle) {
    for (const char* name : {"CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
        if (const char* file = std::getenv(name); file != nullptr && *file != '\0') {
            curl_easy_setopt(handle, CURLOPT_CAINFO, file);
        }
    }
    if (const char* folder = std::getenv("SSL_CERT_DIR"); folder != nullptr && *folder != '\0') {
        curl_easy_setopt(handle, CURLOPT_CAPATH, folder);
    }
}

void set_options(CURL* handle, const Url& url, const FetchRequest& request, const std::string& proxy,
                 curl_slist* headers) {
    curl_easy_setopt(handle, CURLOPT_URL, url.text.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "hearth/" HEARTH_VERSION);
    curl_easy_setopt(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_HEADEROPT,
                     static_cast<long>(CURLHEADER_SEPARATE)); // a proxy sees none of them
    curl_easy_setopt(handle, CURLOPT_PROXY, proxy.c_str());   // "" is: none
    curl_easy_setopt(handle, CURLOPT_NOPROXY, "");
    curl_easy_setopt(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(handle, CURLOPT_NOBODY, request.head_only ? 1L : 0L);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_QUICK_EXIT,
                     1L); // a hanging DNS server must not hold up the end of the process
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
    curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(handle, CURLOPT_BUFFERSIZE, 256L * 1024);
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set_authorities(handle);
}

/// What a failed request means, in words a person can act on.
Error describe(CURLcode code, const char* detail, const Hop& hop, const Url& url, bool through_proxy) {
    const std::string host = url.display();
    if (!hop.refused_address().empty()) {
        return Error(ErrorCode::network_forbidden,
                     host + " resolves to " + hop.refused_address() + ", which is not a public address",
                     "name a private registry by its address, or allow it with \"insecure\": true");
    }
    if (hop.stalled()) {
        return Error(ErrorCode::registry_unreachable, host + " stopped sending");
    }
    std::string why = *detail != '\0' ? detail : curl_easy_strerror(code);
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return Error(ErrorCode::registry_unreachable, "cannot find the host " + host,
                     "check the name and the network; behind a proxy set https_proxy for the service");
    case CURLE_COULDNT_RESOLVE_PROXY:
        return Error(ErrorCode::registry_unreachable, "cannot find the proxy on the way to " + host,
                     "check https_proxy");
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR:
        return Error(ErrorCode::registry_unreachable, "no secure connection to " + host + ": " + why,
                     "if your network inspects TLS, name its CA file in SSL_CERT_FILE");
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
        return Error(ErrorCode::registry_unreachable, "cannot connect to " + host + ": " + why,
                     through_proxy ? "the connection goes through the proxy in https_proxy"
                                   : "if this network needs a proxy, set https_proxy for the service");
    default:
        return Error(ErrorCode::registry_unreachable, host + " broke off: " + why);
    }
}

} // namespace

Transfer::Transfer(HandlePool& pool, process::wire::ServerStream& stream, FetchRequest request)
    : pool_(pool), stream_(stream), request_(std::move(request)), first_(parse_url(request_.url)),
      policy_(first_, request_.reach, request_.insecure) {}

void Transfer::run() {
    policy_.check(first_, nullptr);
    Url url = first_;
    for (int redirects = 0; redirects <= max_redirects; ++redirects) {
        const std::string location = perform(url);
        if (location.empty()) {
            return;
        }
        Url next = resolve_url(url, location);
        policy_.check(next, &url);
        url = std::move(next);
    }
    throw Error(ErrorCode::registry_failed,
                first_.display() + fmt::format(" redirects more than {} times", max_redirects));
}

std::string Transfer::perform(const Url& url) {
    const std::string key = policy_.pool_key(url);
    const std::string proxy = proxy_for(url);
    const HeaderList headers = headers_for(request_, url.origin() == first_.origin());
    std::array<char, CURL_ERROR_SIZE> detail{};
    Hop hop(stream_, request_, policy_, url, !proxy.empty());

    EasyHandle handle = pool_.take(key);
    set_options(handle.get(), url, request_, proxy, headers.get());
    curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, detail.data());
    hop.attach(handle.get());
    const CURLcode code = curl_easy_perform(handle.get());
    pool_.give_back(key, std::move(handle));

    log::debug("fetch",
               fmt::format("{} answered {}, {} bytes", url.display(), hop.head().status, hop.body_bytes()));
    if (hop.failure()) {
        std::rethrow_exception(hop.failure());
    }
    if (code == CURLE_ABORTED_BY_CALLBACK && stream_.cancelled()) {
        throw Error(ErrorCode::cancelled, "the transfer was cancelled");
    }
    if (code != CURLE_OK && !hop.has_enough()) {
        throw describe(code, detail.data(), hop, url, !proxy.empty());
    }
    hop.expect_whole_head();
    if (hop.is_redirect()) {
        return hop.head().headers.at("location");
    }
    hop.finish();
    stream_.end(fmt::format(R"({{"bytes":{}}})", hop.body_bytes()));
    return {};
}

} // namespace hearth::registry::fetch
