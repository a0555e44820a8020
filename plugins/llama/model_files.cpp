#include "plugins/llama/model_files.hpp"

#include "plugins/llama/failure.hpp"

#include <fcntl.h>
#include <stdlib.h>

#include <algorithm>
#include <cstdio>

namespace hearth::llama {

namespace {

std::string path_of(const hearth_file& file) {
    if (::fcntl(file.fd, F_GETFD) < 0) {
        throw Failure(HEARTH_E_INVALID, "a file of the model is not open");
    }
    return "/proc/self/fd/" + std::to_string(file.fd);
}

/// @throws Failure  unless the shards are exactly 1 … of, and returns them in order
void check_shards(std::vector<const hearth_file*>& shards) {
    if (shards.empty()) {
        throw Failure(HEARTH_E_INVALID, "there is no model file");
    }
    std::sort(shards.begin(), shards.end(),
              [](const hearth_file* left, const hearth_file* right) { return left->shard < right->shard; });
    for (std::size_t i = 0; i < shards.size(); ++i) {
        const bool whole = shards.size() == 1 && shards[i]->of <= 1;
        if (!whole && (shards[i]->shard != i + 1 || shards[i]->of != shards.size())) {
            throw Failure(HEARTH_E_INVALID, "the model has " + std::to_string(shards[i]->of) +
                                                " files; file " + std::to_string(i + 1) +
                                                " is missing or there twice");
        }
    }
}

} // namespace

ModelFiles::ModelFiles(const hearth_load_spec& spec, const char* scratch_dir) {
    std::vector<const hearth_file*> shards;
    for (std::uint32_t i = 0; i < spec.file_count; ++i) {
        const hearth_file& file = spec.files[i];
        switch (file.role) {
        case HEARTH_FILE_MODEL:
            shards.push_back(&file);
            model_bytes_ += file.size;
            break;
        case HEARTH_FILE_PROJECTOR:
            projector_ = path_of(file);
            break;
        case HEARTH_FILE_ADAPTER:
            adapters_.push_back(path_of(file));
            break;
        case HEARTH_FILE_DRAFT:
            draft_ = path_of(file);
            break;
        default:
            throw Failure(HEARTH_E_INVALID, "a file has an unknown role");
        }
    }
    check_shards(shards);
    if (shards.size() == 1) {
        model_ = path_of(*shards.front());
    } else {
        link_shards(shards, scratch_dir);
    }
}

ModelFiles::~ModelFiles() {
    if (!links_.empty()) {
        std::error_code ignored; // the scratch folder goes with the process anyway
        std::filesystem::remove_all(links_, ignored);
    }
}

void ModelFiles::link_shards(const std::vector<const hearth_file*>& shards, const char* scratch_dir) {
    if (!scratch_dir || !*scratch_dir) {
        throw Failure(HEARTH_E_INVALID, "a split model needs the host's scratch folder");
    }
    std::string folder = std::string(scratch_dir) + "/shards.XXXXXX";
    if (!::mkdtemp(folder.data())) {
        throw Failure(HEARTH_E_INTERNAL, "cannot make a folder in the scratch folder");
    }
    links_ = folder;
    for (const hearth_file* shard : shards) {
        char name[64];
        std::snprintf(name, sizeof(name), "model-%05u-of-%05u.gguf", shard->shard, shard->of);
        std::error_code error;
        std::filesystem::create_symlink(path_of(*shard), links_ / name, error);
        if (error) {
            std::filesystem::remove_all(links_, error);
            throw Failure(HEARTH_E_INTERNAL, "cannot link a shard in the scratch folder");
        }
        if (shard == shards.front()) {
            model_ = (links_ / name).string();
        }
    }
}

} // namespace hearth::llama
