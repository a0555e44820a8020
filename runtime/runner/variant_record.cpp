#include "runtime/runner/variant_record.hpp"

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/sha256.hpp"
#include "runtime/memory/system_file.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <string_view>

namespace hearth::runtime {

namespace fs = std::filesystem;

namespace {

constexpr int record_format = 1;
constexpr std::uint64_t most_bytes = 1u << 20;

/// What decides about instructions, of the first processor: the lines whose numbers change with the weather are left out.
std::string processor_of(const fs::path& root) {
    constexpr std::array wanted = {"vendor_id", "cpu family", "model", "stepping",
                                   "flags",     "Features",   "CPU"};
    const std::string all = memory::try_read_text(root / "proc/cpuinfo").value_or("");
    std::string_view text = all;
    Sha256 hash;
    while (!text.empty()) {
        const std::string_view line = memory::take_line(text);
        if (line.empty()) { // the next processor
            break;
        }
        if (std::ranges::any_of(wanted, [&](std::string_view key) { return line.starts_with(key); })) {
            hash.update(line);
        }
    }
    return hash.peek().hex();
}

/// Names, sizes and times of the files beside a plugin: an installation writes them anew.
std::string files_of(const PluginManifest& plugin) {
    std::vector<std::string> files;
    std::error_code failed;
    const fs::path folder = plugin.library.parent_path();
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
        std::error_code gone;
        const auto size = at->is_regular_file(gone) ? at->file_size(gone) : 0;
        const auto time = at->last_write_time(gone).time_since_epoch().count();
        files.push_back(fmt::format("{} {} {}\n", at->path().filename().string(), size, time));
    }
    std::ranges::sort(files);
    Sha256 hash;
    hash.update(folder.string());
    for (const std::string& file : files) {
        hash.update(file);
    }
    return plugin.name + " " + hash.peek().hex();
}

std::vector<SetAside> variants_from(const Json& list) {
    std::vector<SetAside> variants;
    for (const Json& row : list) {
        variants.push_back({get_string(row, "variant").value_or(""), get_string(row, "why").value_or(""),
                            get_string(row, "at").value_or("")});
    }
    return variants;
}

Json to_json(const std::vector<SetAside>& variants) {
    Json list = Json::array();
    for (const SetAside& variant : variants) {
        list.push_back({{"variant", variant.variant}, {"why", variant.why}, {"at", variant.at}});
    }
    return list;
}

} // namespace

VariantRecord::VariantRecord(fs::path file, const fs::path& root)
    : file_(std::move(file)), processor_(processor_of(root)) {
    try {
        read();
    } catch (const std::exception& error) { // they are found again
        log::warning("runtime", fmt::format("{}: {}", file_.string(), error.what()));
        rows_.clear();
    }
}

void VariantRecord::read() {
    std::error_code failed;
    if (!fs::exists(file_, failed)) {
        return;
    }
    const Json json = parse_json(read_file(file_, most_bytes), file_.filename().string());
    if (!json.is_object() || get_integer(json, "format") != record_format ||
        get_string(json, "processor") != processor_) {
        return;
    }
    const Json backends = json.value("backends", Json::object());
    for (const auto& [key, list] : backends.items()) {
        if (list.is_array()) {
            rows_[key] = variants_from(list);
        }
    }
}

const std::vector<SetAside>& VariantRecord::set_aside(const PluginManifest& plugin) const {
    static const std::vector<SetAside> none;
    const auto found = rows_.find(files_of(plugin));
    return found == rows_.end() ? none : found->second;
}

void VariantRecord::keep(const PluginManifest& plugin, std::vector<SetAside> variants) {
    const std::string files = files_of(plugin);
    std::erase_if(rows_, [&](const auto& row) { // of an installation that was replaced
        return row.first.starts_with(plugin.name + " ");
    });
    if (!variants.empty()) {
        rows_[files] = std::move(variants);
    }
    write();
}

void VariantRecord::write() const {
    Json backends = Json::object();
    for (const auto& [key, variants] : rows_) {
        backends[key] = to_json(variants);
    }
    const Json json = {
        {"format", record_format}, {"processor", processor_}, {"backends", std::move(backends)}};
    write_file_atomically(file_, to_text(json) + "\n");
}

} // namespace hearth::runtime
