#include "runtime/host/plugin.hpp"

#include "base/json.hpp"
#include "base/log.hpp"
#include "base/sha256.hpp"
#include "base/unique_fd.hpp"
#include "runtime/host/status_table.hpp"

#include <dlfcn.h>
#include <fcntl.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <string_view>

namespace hearth::runtime {

namespace {

void log_line(void*, int32_t level, hearth_str text) {
    constexpr std::string_view room = "plugin";
    const std::string_view line(text.ptr, text.len);
    switch (level) {
    case HEARTH_LOG_DEBUG:
        log::write(log::Level::debug, room, line);
        return;
    case HEARTH_LOG_INFO:
        log::write(log::Level::info, room, line);
        return;
    case HEARTH_LOG_WARNING:
        log::write(log::Level::warning, room, line);
        return;
    default:
        log::write(log::Level::error, room, line);
    }
}

const void* no_extension(void*, const char*) {
    return nullptr;
}

Error broken(const std::string& why) {
    return {ErrorCode::backend_failed, "the plugin " + why, "hearth-plugin-check PLUGIN says more"};
}

void check_table(const hearth_backend* table) {
    if (table == nullptr) {
        throw broken(fmt::format("does not offer ABI version {}", HEARTH_ABI_VERSION));
    }
    if (table->abi_version != HEARTH_ABI_VERSION || table->struct_size < sizeof(hearth_backend)) {
        throw broken(fmt::format("has a table of ABI version {} and {} bytes, wanted version {} and {} bytes",
                                 table->abi_version, table->struct_size, HEARTH_ABI_VERSION,
                                 sizeof(hearth_backend)));
    }
    const bool complete = table->name && table->version && table->init && table->shutdown &&
                          table->describe && table->devices && table->estimate && table->load &&
                          table->unload && table->info && table->request_create && table->request_run &&
                          table->request_cancel && table->request_free;
    if (!complete) {
        throw broken("leaves a slot of its table empty");
    }
}

} // namespace

Plugin::Plugin(const std::filesystem::path& library) {
    void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        throw broken(fmt::format("cannot be opened: {}", ::dlerror()));
    }
    const auto get = reinterpret_cast<hearth_backend_get_fn>(::dlsym(handle, "hearth_backend_get"));
    if (get == nullptr) {
        throw broken("has no hearth_backend_get");
    }
    table_ = get(HEARTH_ABI_VERSION);
    check_table(table_);
}

void Plugin::init(const std::filesystem::path& scratch, const std::string& config) {
    host_ = {.abi_version = HEARTH_ABI_VERSION,
             .struct_size = sizeof(hearth_host),
             .context = nullptr,
             .log = log_line,
             .get_extension = no_extension,
             .scratch_dir = scratch.c_str()};
    hearth_error error = make_plugin_error();
    const hearth_status status = table_->init(&host_, {config.data(), config.size()}, &error);
    if (status != HEARTH_OK) {
        Error failure = to_error(status, error, PluginCall::other);
        failure.add_context(fmt::format("starting backend {}", table_->name));
        throw Error(failure);
    }
}

std::string Plugin::hello() const {
    Json hello;
    hello["plugin"] = {{"name", table_->name}, {"version", table_->version}, {"abi", table_->abi_version}};
    return to_text(hello);
}

void check_library(const std::filesystem::path& library, const std::string& sha256_hex) {
    const UniqueFd file(::open(library.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {
        throw system_error(errno, "opening " + library.string(), ErrorCode::backend_failed);
    }
    const Digest digest = sha256_of_file(file.get());
    if (digest.hex() != sha256_hex) {
        throw Error(ErrorCode::backend_failed,
                    fmt::format("sha256 of {} is {}, its manifest says {}", library.string(), digest.hex(),
                                sha256_hex),
                    "reinstall the backend");
    }
}

} // namespace hearth::runtime
