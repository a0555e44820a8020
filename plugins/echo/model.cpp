#include "plugins/echo/model.hpp"

#include "plugins/echo/request.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include <unistd.h>

namespace hearth::echo {

Json parse_object(hearth_str text, const char* what) {
    if (text.len == 0) {
        return Json::object();
    }
    Json value = Json::parse(text.ptr, text.ptr + text.len, nullptr, false);
    if (!value.is_object()) {
        throw Failure(HEARTH_E_INVALID, std::string(what) + " is not a JSON object");
    }
    return value;
}

std::vector<std::string> operation_names() {
    return {"chat", "complete", "embed", "tokenize", "template", "count"};
}

namespace {

template <class Value> Value member(const Json& object, const char* key, Value fallback) {
    try {
        return object.contains(key) && !object[key].is_null() ? object[key].get<Value>() : fallback;
    } catch (const Json::exception&) {
        throw Failure(HEARTH_E_INVALID, std::string("\"") + key + "\" has the wrong type");
    }
}

} // namespace

void misbehave_in_estimate(const Json& options) {
    if (member<bool>(options, "echo_estimate_crash", false)) {
        std::abort();
    }
    while (member<bool>(options, "echo_estimate_hang", false)) {
        ::pause();
    }
}

Model::Model(const hearth_load_spec& spec, const hearth_progress* progress) {
    Json wishes = parse_object(spec.spec, "the load spec");
    alias_ = member<std::string>(wishes, "alias", "echo");
    context_tokens_ = member<std::int64_t>(wishes, "context", 0);
    parallel_ = std::max(1, member<int>(wishes, "parallel", 1));
    options_ = wishes.value("options", Json::object());
    if (context_tokens_ < 0 || !(options_.is_object() || options_.is_null())) {
        throw Failure(HEARTH_E_INVALID, "the load spec has a negative context or options that are no object");
    }
    if (options_.is_null()) {
        options_ = Json::object();
    }
    if (context_tokens_ == 0) {
        context_tokens_ = 4096;
    }
    read_files(spec);
    tick(progress);
}

void Model::read_files(const hearth_load_spec& spec) {
    for (std::uint32_t i = 0; i < spec.file_count; ++i) {
        const hearth_file& file = spec.files[i];
        char byte = 0;
        if (file.size > 0 && pread(file.fd, &byte, 1, 0) != 1) {
            throw Failure(HEARTH_E_FORMAT, "file " + std::to_string(i) + " of the model cannot be read");
        }
        file_bytes_ += file.size;
    }
    file_count_ = spec.file_count;
}

void Model::tick(const hearth_progress* progress) const {
    auto delay = std::chrono::milliseconds(member<std::int64_t>(options_, "echo_load_delay_ms", 0));
    for (int step = 1; step <= 10; ++step) {
        std::this_thread::sleep_for(delay);
        if (progress &&
            progress->report(progress->context, "weights", static_cast<float>(step) / 10.0f) != 0) {
            throw Failure(HEARTH_E_CANCELLED, "the load was cancelled");
        }
        if (step == 5 && member<bool>(options_, "echo_load_crash", false)) {
            std::abort();
        }
        if (int status = member<int>(options_, "echo_load_fail", 0); step == 5 && status != 0) {
            throw Failure(status, "echo was asked to fail while loading");
        }
    }
}

Json Model::info() const {
    std::uint64_t weights = member<std::uint64_t>(options_, "echo_memory_bytes", file_bytes_);
    std::uint64_t kv =
        static_cast<std::uint64_t>(context_tokens_) * static_cast<std::uint64_t>(parallel_) * 8;
    Json cpu = {{"kind", "cpu"}, {"weights", weights}, {"kv", kv}, {"compute", 0}};
    Json memory = {{"total_bytes", weights + kv}, {"devices", {{"cpu", cpu}}}};
    return {{"context", context_tokens_},
            {"parallel", parallel_},
            {"operations", operation_names()},
            {"memory", memory},
            {"chat_template", true},
            {"files", file_count_},
            {"alias", alias_},
            {"embedding_length", 8}};
}

bool Model::enter(Request& request) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return running_ < parallel_ || request.cancelled(); });
    if (request.cancelled()) {
        return false;
    }
    ++running_;
    return true;
}

void Model::leave() {
    std::lock_guard lock(mutex_);
    --running_;
    changed_.notify_all();
}

void Model::wake() {
    std::lock_guard lock(mutex_);
    changed_.notify_all();
}

void Model::add(Request& request) {
    std::lock_guard lock(mutex_);
    requests_.push_back(&request);
}

void Model::remove(Request& request) {
    std::lock_guard lock(mutex_);
    std::erase(requests_, &request);
    changed_.notify_all();
}

void Model::cancel_all_and_wait() {
    std::unique_lock lock(mutex_);
    for (Request* request : requests_) {
        request->set_cancelled();
    }
    changed_.notify_all();
    changed_.wait(lock, [&] { return requests_.empty(); });
}

} // namespace hearth::echo
