#include "plugins/sdk/elf_symbols.hpp"
#include "plugins/sdk/files.hpp"
#include "plugins/sdk/kit.hpp"
#include "plugins/sdk/sha256.hpp"
#include "plugins/sdk/shapes.hpp"

#include <algorithm>
#include <clocale>
#include <csignal>
#include <map>
#include <string>

namespace hearth::sdk {

namespace {

/// What a plugin has to leave alone.
struct Surroundings {
    std::string directory = std::filesystem::current_path().string();
    std::string locale = std::setlocale(LC_ALL, nullptr);
    std::map<int, void (*)(int)> handlers;

    Surroundings() {
        for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGSEGV, SIGABRT, SIGCHLD, SIGUSR1}) {
            struct sigaction action{};
            ::sigaction(number, nullptr, &action);
            handlers[number] = action.sa_handler;
        }
    }
};

void require_all_slots(const hearth_backend& t) {
    const std::pair<const char*, bool> slots[] = {
        {"init", t.init},
        {"shutdown", t.shutdown},
        {"describe", t.describe},
        {"devices", t.devices},
        {"estimate", t.estimate},
        {"load", t.load},
        {"unload", t.unload},
        {"info", t.info},
        {"request_create", t.request_create},
        {"request_run", t.request_run},
        {"request_cancel", t.request_cancel},
        {"request_free", t.request_free},
        {"get_extension", t.get_extension},
    };
    for (const auto& [name, filled] : slots) {
        require(filled, std::string("slot ") + name + " is NULL");
    }
}

std::vector<std::string> sorted_words(const Json& list) {
    std::vector<std::string> words = list.get<std::vector<std::string>>();
    std::ranges::sort(words);
    return words;
}

std::vector<std::string> sorted(std::vector<std::string> words) {
    std::ranges::sort(words);
    return words;
}

} // namespace

void Kit::run() {
    const Surroundings before;
    if (!check_library() || !check_table()) {
        return;
    }
    check_describing();
    check_bad_loads();
    if (needs_files() && model_files_.empty()) {
        report_.skip("a model loads and answers", "give one with --model FILE");
    } else {
        check_estimate_and_cancel();
        if (load("a model loads")) {
            check_model_info();
            check_operations();
            check_bad_requests();
            unload("the model unloads");
            if (load("a second load works")) {
                unload("it unloads, too");
            }
        }
    }
    report_.check("the process is left alone", [&] {
        const Surroundings after;
        require(after.directory == before.directory, "the working directory was changed");
        require(after.locale == before.locale, "the locale was changed");
        require(after.handlers == before.handlers, "a signal's handler was changed");
    });
    report_.check("shutdown returns", [&] { plugin_->table().shutdown(); });
}

bool Kit::check_files() {
    const bool has_manifest =
        report_.check("a manifest lies beside it", [&] { manifest_ = find_manifest(library_); });
    report_.check("the manifest's sha256 is right", [&] {
        const std::string is = sha256_hex(read_whole(library_));
        require(is == manifest_.sha256, "sha256 is " + is + ", the manifest says " + manifest_.sha256);
    });
    report_.check("it exports hearth_backend_get alone", [&] {
        std::vector<std::string> names = exported_symbols(read_whole(library_));
        require(std::erase(names, "hearth_backend_get") == 1, "it is not exported");
        require(names.empty(), std::to_string(names.size()) + " others are exported, as " +
                                   (names.empty() ? "" : names[0]) + " (use a version script)");
    });
    return has_manifest;
}

bool Kit::check_library() {
    const bool has_manifest = check_files();
    const bool loads =
        report_.check("the library loads", [&] { plugin_ = std::make_unique<Plugin>(library_); });
    return has_manifest && loads;
}

bool Kit::check_table() {
    const bool table = report_.check("it has a table of ABI 1", [&] {
        const hearth_backend* backend = plugin_->get(HEARTH_ABI_VERSION);
        require(backend != nullptr, "hearth_backend_get(1) is NULL");
        require(backend->abi_version == HEARTH_ABI_VERSION,
                "abi_version is " + std::to_string(backend->abi_version));
        require(backend->struct_size >= sizeof(hearth_backend), "struct_size is too small for version 1");
        require_all_slots(*backend);
        plugin_->set_table(backend);
    });
    report_.check("a host that is too old gets none",
                  [&] { require(plugin_->get(0) == nullptr, "hearth_backend_get(0) is not NULL"); });
    if (!table) {
        return false;
    }
    report_.check("its name is the manifest's", [&] {
        const hearth_backend& backend = plugin_->table();
        require(backend.name && backend.name == manifest_.name,
                std::string("the table says ") + (backend.name ? backend.name : "NULL"));
        require(backend.version && *backend.version, "it has no version");
    });
    return report_.check("init takes an empty configuration", [&] { plugin_->init("").must_be_ok(); });
}

void Kit::check_describing() {
    report_.check("describe agrees with the manifest", [&] {
        const Json event = plugin_->describe().single();
        check_description(event);
        require(sorted_words(event["operations"]) == sorted(manifest_.operations),
                "the manifest has other operations");
        require(sorted_words(event["formats"]) == sorted(manifest_.formats),
                "the manifest has other formats");
    });
    report_.check("devices has the right shape", [&] { sdk::check_devices(plugin_->devices().single()); });
    report_.check("an unknown extension is NULL", [&] {
        require(plugin_->table().get_extension("hearth.no-such-thing/1") == nullptr,
                "get_extension made one up");
    });
    check_quantize_extension();
}

/// Optional: only a plugin that says "quantize" has to have it.
void Kit::check_quantize_extension() {
    const void* found = plugin_->table().get_extension(HEARTH_QUANTIZE_EXTENSION);
    if (found == nullptr && !manifest_.has_operation("quantize")) {
        return;
    }
    report_.check("its quantize extension is complete", [&] {
        require(manifest_.has_operation("quantize"), "the manifest does not name the operation \"quantize\"");
        require(found != nullptr,
                "the manifest names \"quantize\", and there is no " HEARTH_QUANTIZE_EXTENSION);
        const auto& table = *static_cast<const hearth_quantize*>(found);
        require(table.abi_version == HEARTH_QUANTIZE_VERSION, "its abi_version is not 1");
        require(table.struct_size >= sizeof(hearth_quantize), "struct_size is too small for version 1");
        require(table.types && table.plan && table.run, "a slot is NULL");
        const Json types = plugin_->quantize_types(table).single();
        require(types.value("types", Json()).is_array() && !types["types"].empty(), "\"types\" is no list");
        for (const Json& type : types["types"]) {
            require(type.is_object() && type.value("name", Json()).is_string(), "a type has no \"name\"");
        }
    });
}

bool Kit::offers(const std::string& operation) const {
    return std::ranges::find(operations_, operation) != operations_.end();
}

} // namespace hearth::sdk
