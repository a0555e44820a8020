#include "tests/plugins/llama_host.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <stdexcept>

namespace hearth::test {

namespace {

hearth_str view(const std::string& text) {
    return {text.data(), text.size()};
}

/// Open descriptors of a model's files, closed at the end of the call: llama.cpp opens them again by path.
class OpenFiles {
  public:
    explicit OpenFiles(const std::vector<std::filesystem::path>& paths) {
        for (const auto& path : paths) {
            const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
            if (descriptor < 0) {
                throw std::runtime_error("cannot open " + path.string());
            }
            const auto shard = static_cast<std::uint32_t>(files_.size() + 1);
            files_.push_back({descriptor, HEARTH_FILE_MODEL, std::filesystem::file_size(path), shard,
                              static_cast<std::uint32_t>(paths.size())});
        }
    }
    ~OpenFiles() {
        for (const hearth_file& file : files_) {
            ::close(file.fd);
        }
    }
    OpenFiles(const OpenFiles&) = delete;

    hearth_load_spec spec(const std::string& text) const {
        return {sizeof(hearth_load_spec), static_cast<std::uint32_t>(files_.size()), files_.data(),
                view(text)};
    }

  private:
    std::vector<hearth_file> files_;
};

struct Listener {
    Answer* answer;
    hearth_request* request = nullptr;
    const std::function<int(hearth_request*)>* on_event = nullptr;
};

int32_t write_event(void* context, hearth_str data) {
    auto* listener = static_cast<Listener*>(context);
    listener->answer->events.emplace_back(data.ptr, data.len);
    return listener->on_event && *listener->on_event ? (*listener->on_event)(listener->request) : 0;
}

hearth_error new_error() {
    hearth_error error{};
    error.struct_size = sizeof(error);
    return error;
}

} // namespace

std::string Answer::text() const {
    std::string all;
    for (const std::string& event : events) {
        for (const auto& choice : nlohmann::json::parse(event)["choices"]) {
            const auto& part = choice.contains("delta") ? choice["delta"] : choice["message"];
            if (part.contains("content") && part["content"].is_string()) {
                all += part["content"].get<std::string>();
            }
        }
    }
    return all;
}

LlamaHost& LlamaHost::instance() {
    static LlamaHost host;
    return host;
}

LlamaHost::LlamaHost() {
    std::string folder = (std::filesystem::temp_directory_path() / "hearth-llama-test.XXXXXX").string();
    if (!::mkdtemp(folder.data())) {
        throw std::runtime_error("no scratch folder");
    }
    scratch_ = folder;
    scratch_text_ = folder;
    void* library = ::dlopen(HEARTH_LLAMA_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        throw std::runtime_error(::dlerror());
    }
    const auto get = reinterpret_cast<hearth_backend_get_fn>(::dlsym(library, "hearth_backend_get"));
    backend_ = get(HEARTH_ABI_VERSION);
    host_.abi_version = HEARTH_ABI_VERSION;
    host_.struct_size = sizeof(host_);
    host_.context = this;
    host_.log = log;
    host_.get_extension = [](void*, const char*) -> const void* { return nullptr; };
    host_.scratch_dir = scratch_text_.c_str();
    hearth_error error = new_error();
    if (backend_->init(&host_, {"{}", 2}, &error) != HEARTH_OK) {
        throw std::runtime_error(error.message);
    }
}

LlamaHost::~LlamaHost() {
    backend_->shutdown();
    std::filesystem::remove_all(scratch_);
}

void LlamaHost::log(void* context, int32_t, hearth_str text) {
    auto* self = static_cast<LlamaHost*>(context);
    const std::lock_guard lock(self->mutex_);
    self->logs_.append(text.ptr, text.len).append("\n");
}

std::string LlamaHost::logs() const {
    const std::lock_guard lock(mutex_);
    return logs_;
}

Answer LlamaHost::load(const std::vector<std::filesystem::path>& files, const nlohmann::json& spec,
                       hearth_model** model, const std::function<int(float)>& progress) {
    const OpenFiles open(files);
    const std::string text = spec.dump();
    const hearth_load_spec load_spec = open.spec(text);
    const auto report = [](void* context, const char*, float fraction) -> int32_t {
        return (*static_cast<const std::function<int(float)>*>(context))(fraction);
    };
    const hearth_progress relay = {sizeof(hearth_progress), 0,
                                   const_cast<std::function<int(float)>*>(&progress), report};
    hearth_error error = new_error();
    Answer answer;
    answer.status = backend_->load(&load_spec, progress ? &relay : nullptr, model, &error);
    answer.message = error.message;
    return answer;
}

Answer LlamaHost::estimate(const std::vector<std::filesystem::path>& files, const nlohmann::json& spec) {
    const OpenFiles open(files);
    const std::string text = spec.dump();
    const hearth_load_spec load_spec = open.spec(text);
    Answer answer;
    Listener listener{&answer};
    const hearth_sink sink = {sizeof(hearth_sink), 0, &listener, write_event};
    hearth_error error = new_error();
    answer.status = backend_->estimate(&load_spec, &sink, &error);
    answer.message = error.message;
    return answer;
}

Answer LlamaHost::info(hearth_model* model) {
    Answer answer;
    Listener listener{&answer};
    const hearth_sink sink = {sizeof(hearth_sink), 0, &listener, write_event};
    hearth_error error = new_error();
    answer.status = backend_->info(model, &sink, &error);
    answer.message = error.message;
    return answer;
}

Answer LlamaHost::ask(hearth_model* model, const std::string& operation, const nlohmann::json& body,
                      const std::function<int(hearth_request*)>& on_event) {
    const std::string text = body.dump();
    hearth_error error = new_error();
    Answer answer;
    Listener listener{&answer, nullptr, &on_event};
    answer.status = backend_->request_create(model, view(operation), view(text), &listener.request, &error);
    if (answer.status == HEARTH_OK) {
        const hearth_sink sink = {sizeof(hearth_sink), 0, &listener, write_event};
        answer.status = backend_->request_run(listener.request, &sink, &error);
        backend_->request_free(listener.request);
    }
    answer.message = error.message;
    return answer;
}

} // namespace hearth::test

/// llama.cpp 0.5.0 leaks its sampler chain (88 bytes) when a request's grammar cannot be parsed.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the name that the leak sanitizer looks for
extern "C" const char* __lsan_default_suppressions() {
    return "leak:server_context_impl::launch_slot_with_task";
}
