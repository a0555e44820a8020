#include "plugins/llama/variants.hpp"

#include "plugins/llama/failure.hpp"

#include <ggml-backend.h>

#include <dlfcn.h>

#include <functional>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::llama {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view prefix = "libggml-cpu-";
constexpr std::string_view suffix = ".so";

bool is_variant(const fs::path& file) {
    const std::string name = file.filename().string();
    return name.starts_with(prefix) && name.ends_with(suffix);
}

/// How well a library suits this processor; 0: it does not run here. As llama.cpp asks it.
int score_of(const fs::path& library) {
    void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        return 0;
    }
    const auto score = reinterpret_cast<int (*)()>(::dlsym(handle, "ggml_backend_score"));
    const int points = score == nullptr ? 0 : score();
    ::dlclose(handle);
    return points;
}

/// Those that run here, the best first; equal ones in the order of the folder, where llama.cpp takes the first.
std::vector<fs::path> ranked_variants(const fs::path& folder) {
    std::multimap<int, fs::path, std::greater<>> scored; // keeps the order of equal ones
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
        if (is_variant(entry.path())) {
            if (const int points = score_of(entry.path()); points > 0) {
                scored.emplace(points, entry.path());
            }
        }
    }
    std::vector<fs::path> ranked;
    for (auto& [points, path] : scored) {
        ranked.push_back(std::move(path));
    }
    return ranked;
}

/// A folder of links to all that lies in `folder`, but to one variant alone: llama.cpp takes a folder and no list.
fs::path with_one_variant(const fs::path& folder, const fs::path& scratch, const fs::path& variant) {
    const fs::path links = scratch / "engine";
    fs::create_directory(links);
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
        if (!is_variant(entry.path()) || entry.path() == variant) {
            fs::create_symlink(entry.path(), links / entry.path().filename());
        }
    }
    return links;
}

} // namespace

void open_engine(const fs::path& folder, const fs::path& scratch, int passed_over) {
    if (passed_over == 0) {
        ggml_backend_load_all_from_path(folder.c_str());
        return;
    }
    const std::vector<fs::path> ranked = ranked_variants(folder);
    const auto place = static_cast<std::size_t>(passed_over);
    if (place >= ranked.size()) {
        throw Failure(HEARTH_E_NOT_FOUND, "only " + std::to_string(ranked.size()) +
                                              " variants of the CPU backend run on this processor");
    }
    ggml_backend_load_all_from_path(with_one_variant(folder, scratch, ranked[place]).c_str());
}

std::string cpu_variant() {
    ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    if (device == nullptr) {
        return {};
    }
    void* const inside =
        ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), "ggml_backend_set_n_threads");
    Dl_info where{};
    if (inside == nullptr || ::dladdr(inside, &where) == 0 || where.dli_fname == nullptr ||
        !is_variant(where.dli_fname)) {
        return {};
    }
    const std::string name = fs::path(where.dli_fname).filename().string();
    return name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
}

} // namespace hearth::llama
