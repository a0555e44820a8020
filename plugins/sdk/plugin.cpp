#include "plugins/sdk/plugin.hpp"

#include "plugins/sdk/report.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <mutex>

namespace hearth::sdk {

namespace {

hearth_str borrowed(std::string_view text) {
    return {text.data(), text.size()};
}

/// Collects events; a plugin may call from any thread of its own.
struct Collector {
    std::vector<std::string> events;
    std::function<bool(std::size_t)> on_event;
    std::mutex mutex; // guards events

    static int32_t write(void* context, hearth_str data) {
        auto& self = *static_cast<Collector*>(context);
        std::size_t count = 0;
        {
            const std::lock_guard lock(self.mutex);
            self.events.emplace_back(data.ptr, data.len);
            count = self.events.size();
        }
        return !self.on_event || self.on_event(count) ? 0 : 1;
    }
    hearth_sink sink() { return {sizeof(hearth_sink), 0, this, &Collector::write}; }
};

/// Calls with a fresh error and sink, and gathers what came.
Outcome gather(std::function<bool(std::size_t)> on_event,
               const std::function<hearth_status(const hearth_sink*, hearth_error*)>& call) {
    Collector collector;
    collector.on_event = std::move(on_event);
    const hearth_sink sink = collector.sink();
    hearth_error error = {};
    error.struct_size = sizeof(error);
    std::memset(error.message, 'x', sizeof(error.message)); // a plugin that forgets the NUL is seen
    error.message[0] = '\0';
    Outcome outcome;
    outcome.status = call(&sink, &error);
    outcome.events = std::move(collector.events);
    const std::size_t length = ::strnlen(error.message, sizeof(error.message));
    require(length < sizeof(error.message), "the error's message has no NUL at its end");
    outcome.message.assign(error.message, length);
    require(outcome.status == HEARTH_OK || error.status == outcome.status,
            "the error's status is not the status returned");
    require(error.struct_size == sizeof(error), "the error's struct_size was changed");
    return outcome;
}

void log_line(void*, int32_t, hearth_str) {}

const void* no_extension(void*, const char*) {
    return nullptr;
}

} // namespace

const char* status_name(hearth_status status) {
    static constexpr const char* names[] = {
        "OK",          "E_INTERNAL", "E_INVALID", "E_UNSUPPORTED", "E_NOT_FOUND", "E_FORMAT", "E_NOMEM",
        "E_CANCELLED", "E_BUSY",     "E_DEVICE",  "E_UPSTREAM",    "E_CONTEXT",   "E_ABI"};
    return status >= 0 && status < static_cast<hearth_status>(std::size(names)) ? names[status]
                                                                                : "an unknown status";
}

const Outcome& Outcome::must_be_ok() const {
    require(status == HEARTH_OK, std::string(status_name(status)) + ": " + message);
    return *this;
}

const Outcome& Outcome::must_be(hearth_status expected) const {
    require(status == expected, std::string("got ") + status_name(status) +
                                    (message.empty() ? "" : " (" + message + ")") + ", expected " +
                                    status_name(expected));
    require(!message.empty(), "the error has no message");
    return *this;
}

Json Outcome::single() const {
    must_be_ok();
    require(events.size() == 1, "got " + std::to_string(events.size()) + " events, expected one");
    return all().front();
}

std::vector<Json> Outcome::all() const {
    std::vector<Json> parsed;
    for (const std::string& event : events) {
        parsed.push_back(Json::parse(event, nullptr, false));
        require(parsed.back().is_object(), "an event is not one JSON object: " + event.substr(0, 120));
    }
    return parsed;
}

Plugin::Plugin(const std::filesystem::path& library) {
    void* handle =
        ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL); // never closed: the ABI promises that to plugins
    require(handle != nullptr, handle ? "" : ::dlerror());
    entry_ = reinterpret_cast<hearth_backend_get_fn>(::dlsym(handle, "hearth_backend_get"));
    require(entry_ != nullptr, "there is no hearth_backend_get");
    scratch_ = (std::filesystem::temp_directory_path() / "hearth-plugin-check-XXXXXX").string();
    require(::mkdtemp(scratch_.data()) != nullptr, "no scratch folder can be made in the temporary folder");
    host_ = {HEARTH_ABI_VERSION, sizeof(hearth_host), this, log_line, no_extension, scratch_.c_str()};
}

Plugin::~Plugin() {
    std::error_code ignored;
    std::filesystem::remove_all(scratch_, ignored);
}

Outcome Plugin::init(std::string_view config) {
    return gather({}, [&](const hearth_sink*, hearth_error* error) {
        return table_->init(&host_, borrowed(config), error);
    });
}

Outcome Plugin::describe() const {
    return gather(
        {}, [&](const hearth_sink* sink, hearth_error* error) { return table_->describe(sink, error); });
}

Outcome Plugin::devices() const {
    return gather({},
                  [&](const hearth_sink* sink, hearth_error* error) { return table_->devices(sink, error); });
}

Outcome Plugin::quantize_types(const hearth_quantize& table) const {
    return gather({}, [&](const hearth_sink* sink, hearth_error* error) { return table.types(sink, error); });
}

namespace {

hearth_load_spec load_spec(std::string_view spec, const std::vector<hearth_file>& files) {
    return {sizeof(hearth_load_spec), static_cast<uint32_t>(files.size()), files.data(), borrowed(spec)};
}

int32_t report_progress(void* context, const char* stage, float fraction) {
    const auto& progress = *static_cast<const Plugin::Progress*>(context);
    return progress(stage ? stage : "", fraction) ? 0 : 1;
}

} // namespace

Outcome Plugin::estimate(std::string_view spec, const std::vector<hearth_file>& files) const {
    const hearth_load_spec wanted = load_spec(spec, files);
    return gather({}, [&](const hearth_sink* sink, hearth_error* error) {
        return table_->estimate(&wanted, sink, error);
    });
}

Outcome Plugin::load(std::string_view spec, const std::vector<hearth_file>& files, const Progress& progress,
                     hearth_model*& model) const {
    const hearth_load_spec wanted = load_spec(spec, files);
    const hearth_progress reporter = {sizeof(hearth_progress), 0, const_cast<Progress*>(&progress),
                                      report_progress};
    return gather({}, [&](const hearth_sink*, hearth_error* error) {
        return table_->load(&wanted, progress ? &reporter : nullptr, &model, error);
    });
}

Outcome Plugin::info(hearth_model* model) const {
    return gather(
        {}, [&](const hearth_sink* sink, hearth_error* error) { return table_->info(model, sink, error); });
}

Outcome Plugin::create(hearth_model* model, std::string_view operation, std::string_view body,
                       hearth_request*& request) const {
    return gather({}, [&](const hearth_sink*, hearth_error* error) {
        return table_->request_create(model, borrowed(operation), borrowed(body), &request, error);
    });
}

Outcome Plugin::run(hearth_request* request, const std::function<bool(std::size_t)>& on_event) const {
    return gather(on_event, [&](const hearth_sink* sink, hearth_error* error) {
        return table_->request_run(request, sink, error);
    });
}

Outcome Plugin::ask(hearth_model* model, std::string_view operation, const Json& body) const {
    hearth_request* request = nullptr;
    create(model, operation, body.dump(), request).must_be_ok();
    require(request != nullptr, "request_create returned OK and no request");
    const Outcome outcome = run(request, {});
    table_->request_free(request);
    return outcome;
}

} // namespace hearth::sdk
