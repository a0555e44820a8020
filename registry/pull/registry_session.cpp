#include "registry/pull/registry_session.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/sha256.hpp"
#include "registry/manifest.hpp"
#include "registry/name_text.hpp"
#include "registry/pull/http_text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/utsname.h>

#include <algorithm>
#include <utility>

namespace asio = boost::asio;

namespace hearth::registry {

namespace {

constexpr std::uint64_t token_limit_bytes = std::uint64_t{64} << 10;
constexpr std::uint64_t tags_limit_bytes = std::uint64_t{256} << 10;

std::string manifest_types() {
    return fmt::format("{}, {}, {}, {}", media_type::oci_manifest, media_type::docker_manifest,
                       media_type::oci_index, media_type::docker_list);
}

bool is_tag(const std::string& text) {
    const auto allowed = [](char c) {
        return name_text::is_alphanumeric(c) || c == '_' || c == '.' || c == '-';
    };
    return !text.empty() && text.size() <= 128 && text[0] != '.' && text[0] != '-' &&
           std::ranges::all_of(text, allowed);
}

/// In the words of OCI platforms.
std::string this_architecture() {
    utsname system{};
    uname(&system);
    const std::string machine = system.machine;
    return machine == "x86_64" ? "amd64" : machine == "aarch64" ? "arm64" : machine;
}

/// Models are seldom built per platform: the entry for this machine, else the first that is not for another
/// one, else the first.
const Layer& choose(const ManifestIndex& index) {
    const auto& entries = index.entries;
    if (entries.empty()) {
        throw Error(ErrorCode::bad_manifest, "the image index is empty");
    }
    const auto fits = [](const ManifestIndex::Entry& entry) {
        return entry.architecture == this_architecture() && (entry.os.empty() || entry.os == "linux");
    };
    const auto open = [](const ManifestIndex::Entry& entry) { return entry.architecture.empty(); };
    auto chosen = std::ranges::find_if(entries, fits);
    chosen = chosen == entries.end() ? std::ranges::find_if(entries, open) : chosen;
    return chosen == entries.end() ? entries.front().manifest : chosen->manifest;
}

/// Texts that can be tags; an answer that is no list of tags is none.
std::vector<std::string> tags_of(const std::string& body) {
    std::vector<std::string> tags;
    try {
        const Json answer = parse_json(body, "tag list", 8);
        const auto list = answer.find("tags");
        if (list != answer.end() && list->is_array()) {
            for (const Json& tag : *list) {
                if (tag.is_string() && is_tag(tag.get<std::string>())) {
                    tags.push_back(tag.get<std::string>());
                }
            }
        }
    } catch (const Error&) { // the list is a courtesy; the model is there without it
    }
    return tags;
}

std::string token_of(const std::string& body) {
    const Json answer = parse_json(body, "token answer", 8);
    std::string token = get_string(answer, "token").value_or("");
    if (token.empty()) {
        token = get_string(answer, "access_token").value_or("");
    }
    const bool printable =
        std::ranges::all_of(token, [](char letter) { return letter > ' ' && letter < 0x7f; });
    if (token.empty() || !printable) {
        throw Error(ErrorCode::registry_denied, "the registry's token service gave no token");
    }
    return token;
}

} // namespace

RegistrySession::RegistrySession(Fetcher& fetcher, ModelRef ref, bool insecure, RetryOptions retry)
    : fetcher_(fetcher), ref_(std::move(ref)), insecure_(insecure), retry_(for_small_requests(retry)),
      origin_(ref_.origin()) {}

std::string RegistrySession::blob_url(const Digest& digest) const {
    return fmt::format("{}/v2/{}/blobs/{}", origin_, ref_.repository, digest.text());
}

asio::awaitable<std::string> RegistrySession::manifest() {
    std::string bytes = co_await try_manifest(ref_.pin ? ref_.pin->text() : ref_.tag);
    if (ref_.pin && sha256_of(bytes) != *ref_.pin) {
        throw Error(ErrorCode::corrupt_blob,
                    fmt::format("the manifest's sha256 is {}, the reference asks for {}",
                                sha256_of(bytes).short_text(), ref_.pin->short_text()));
    }
    co_return co_await follow_index(std::move(bytes));
}

/// `insecure` means: this registry may speak plain http. It is asked by https first all the same.
asio::awaitable<std::string> RegistrySession::try_manifest(std::string reference) {
    const bool may_fall_back = insecure_ && origin_.starts_with("https://");
    if (!may_fall_back) {
        co_return co_await manifest_at(reference);
    }
    const int attempts = std::exchange(retry_.attempts, 1);
    bool reached = true;
    std::string bytes;
    try {
        bytes = co_await manifest_at(reference);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::registry_unreachable) {
            throw;
        }
        reached = false;
    }
    retry_.attempts = attempts;
    if (!reached) {
        origin_ = "http://" + ref_.host;
        bytes = co_await manifest_at(reference);
    }
    co_return bytes;
}

asio::awaitable<std::string> RegistrySession::manifest_at(std::string reference) {
    FetchRequest request;
    request.url = fmt::format("{}/v2/{}/manifests/{}", origin_, ref_.repository, reference);
    request.accept = manifest_types();
    request.max_bytes = manifest_limit_bytes;
    request.insecure = insecure_;
    Answer answer = co_await get_signed(std::move(request));
    co_return check_manifest_answer(std::move(answer));
}

asio::awaitable<std::string> RegistrySession::small_blob(Digest digest) {
    FetchRequest request;
    request.url = blob_url(digest);
    request.max_bytes = text_layer_limit_bytes;
    request.insecure = insecure_;
    Answer answer = co_await get_signed(std::move(request));
    if (answer.status != 200 || sha256_of(answer.body) != digest) {
        throw Error(ErrorCode::registry_failed,
                    fmt::format("{} does not give the blob {}", ref_.host, digest.short_text()));
    }
    co_return std::move(answer.body);
}

asio::awaitable<std::vector<std::string>> RegistrySession::tags() {
    FetchRequest request;
    request.url = fmt::format("{}/v2/{}/tags/list", origin_, ref_.repository);
    request.accept = "application/json";
    request.max_bytes = tags_limit_bytes;
    request.insecure = insecure_;
    const Answer answer = co_await get_signed(std::move(request));
    co_return answer.status == 200 ? tags_of(answer.body) : std::vector<std::string>();
}

asio::awaitable<RegistrySession::Answer> RegistrySession::get_signed(FetchRequest request) {
    Answer answer = co_await get(request);
    if (answer.status == 401 && authorization_.empty()) {
        co_await log_in(answer.challenge);
        answer = co_await get(request);
    }
    co_return answer;
}

std::string RegistrySession::check_manifest_answer(Answer answer) const {
    const std::string name = ref_.full_name();
    if (answer.status == 404) { // the words are Ollama's: its clients look for them
        throw Error(ErrorCode::model_not_found, "pull model manifest: file does not exist",
                    fmt::format("{} is not at {}; check the name and the tag", name, ref_.host));
    }
    if (answer.status == 401 || answer.status == 403) {
        throw Error(ErrorCode::registry_denied,
                    fmt::format("{} refuses {} (status {})", ref_.host, name, answer.status),
                    "it does not exist there, or it is private");
    }
    if (answer.status != 200) {
        throw Error(ErrorCode::registry_failed,
                    fmt::format("{} answers with status {}", ref_.host, answer.status));
    }
    if (is_web_page(answer.content_type, answer.body)) {
        throw Error(ErrorCode::registry_failed, ref_.host + " sent a web page instead of a manifest",
                    "a captive portal or a proxy may be in the way");
    }
    return std::move(answer.body);
}

asio::awaitable<std::string> RegistrySession::follow_index(std::string bytes) {
    auto parsed = parse_manifest_or_index(bytes);
    const auto* index = std::get_if<ManifestIndex>(&parsed);
    if (index == nullptr) {
        co_return bytes;
    }
    const Layer chosen = choose(*index);
    std::string manifest = co_await manifest_at(chosen.digest.text());
    if (sha256_of(manifest) != chosen.digest) {
        throw Error(ErrorCode::corrupt_blob,
                    fmt::format("the manifest's sha256 is {}, the image index says {}",
                                sha256_of(manifest).short_text(), chosen.digest.short_text()));
    }
    co_return manifest;
}

Error RegistrySession::refusal(const FetchResponse& response, const std::string& file) const {
    return Error(ErrorCode::registry_denied,
                 fmt::format("{} refuses {} (status {})", ref_.host, file, response.status()),
                 "the model may need a login, or the link may have expired");
}

FetchRequest RegistrySession::token_request(const std::string& challenge) const {
    const auto parameters = parse_bearer_challenge(challenge);
    if (!parameters || !parameters->contains("realm")) {
        throw Error(ErrorCode::registry_denied, ref_.host + " asks for a login that Hearth does not know",
                    "only anonymous pulls are possible in this version");
    }
    const std::string realm = parameters->at("realm");
    const auto start = parse_url_start(realm);
    const bool local = start && is_loopback_host(start->host) && is_loopback_host(ref_.host);
    const bool same_host = start && start->host == ref_.host;
    const bool secure = start && (start->scheme == "https" ||
                                  (start->scheme == "http" && (local || (same_host && insecure_))));
    if (!secure) {
        throw Error(ErrorCode::network_forbidden,
                    ref_.host + " sends logins to an address that is not https");
    }
    FetchRequest request;
    const auto value = [&](const char* name) {
        const auto found = parameters->find(name);
        return found == parameters->end() ? std::string() : found->second;
    };
    std::string scope = value("scope");
    if (scope.empty()) {
        scope = "repository:" + ref_.repository + ":pull";
    }
    request.url =
        fmt::format("{}{}service={}&scope={}", realm, realm.find('?') == std::string::npos ? '?' : '&',
                    url_encode(value("service")), url_encode(scope));
    request.accept = "application/json";
    request.max_bytes = token_limit_bytes;
    request.reach = local || same_host ? Reach::named_host : Reach::public_only;
    request.insecure = insecure_ && same_host;
    return request;
}

asio::awaitable<void> RegistrySession::log_in(std::string challenge) {
    FetchRequest request = token_request(challenge);
    const Answer answer = co_await get(std::move(request));
    if (answer.status != 200) {
        throw Error(ErrorCode::registry_denied,
                    fmt::format("{}: the token service answers with status {}", ref_.host, answer.status),
                    "the model is private, or does not exist");
    }
    authorization_ = "Bearer " + token_of(answer.body);
}

asio::awaitable<RegistrySession::Answer> RegistrySession::get(FetchRequest request) {
    const auto attempt = [&] { return get_once(request); };
    co_return co_await with_retries(retry_, attempt);
}

asio::awaitable<RegistrySession::Answer> RegistrySession::get_once(FetchRequest request) {
    if (request.reach == Reach::named_host && request.url.starts_with(origin_ + "/")) {
        request.authorization = authorization_;
    }
    const std::unique_ptr<FetchResponse> response = co_await fetcher_.get(std::move(request));
    Answer answer;
    answer.status = response->status();
    if (answer.status == 429 || answer.status == 408 || answer.status >= 500) {
        throw TransientError(ErrorCode::registry_failed,
                             fmt::format("{} answers with status {}", ref_.host, answer.status),
                             parse_retry_after(response->header("retry-after")));
    }
    answer.content_type = response->header("content-type");
    answer.challenge = response->header("www-authenticate");
    while (auto bytes = co_await response->read()) {
        answer.body += *bytes;
        if (answer.body.size() >
            manifest_limit_bytes) { // fetch has its own count; the core does not rely on it
            throw Error(ErrorCode::too_large, ref_.host + " sent a manifest of more than 4 MiB");
        }
    }
    co_return answer;
}

} // namespace hearth::registry
