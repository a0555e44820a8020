#include "runtime/host/spec_arguments.hpp"

#include "base/error.hpp"
#include "runtime/host/plugin_calls.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <string_view>
#include <utility>

namespace hearth::runtime {

namespace {

struct RoleName {
    std::string_view name;
    int32_t role;
};
constexpr std::array<RoleName, 5> role_names{{{"model", HEARTH_FILE_MODEL},
                                              {"mmproj", HEARTH_FILE_PROJECTOR},
                                              {"projector", HEARTH_FILE_PROJECTOR},
                                              {"adapter", HEARTH_FILE_ADAPTER},
                                              {"draft", HEARTH_FILE_DRAFT}}};

int32_t role_of(const Json& file) {
    const std::string name = get_string(file, "role").value_or("model");
    for (const RoleName& row : role_names) {
        if (row.name == name) {
            return row.role;
        }
    }
    throw Error(ErrorCode::invalid_argument, fmt::format("a model file cannot have the role \"{}\"", name));
}

} // namespace

SpecArguments::SpecArguments(const Json& head, std::vector<UniqueFd> descriptors)
    : fds(std::move(descriptors)) {
    spec = to_text(head.value("spec", Json::object()));
    const Json list = head.value("files", Json::array());
    if (!list.is_array() || list.size() != fds.size()) {
        throw Error(ErrorCode::invalid_argument, fmt::format("{} files are named, {} descriptors came",
                                                             list.is_array() ? list.size() : 0, fds.size()));
    }
    for (std::size_t index = 0; index < fds.size(); ++index) {
        const Json& file = list[index];
        files.push_back({.fd = fds[index].get(),
                         .role = role_of(file),
                         .size = static_cast<uint64_t>(get_integer(file, "size").value_or(0)),
                         .shard = static_cast<uint32_t>(get_integer(file, "shard").value_or(1)),
                         .of = static_cast<uint32_t>(get_integer(file, "of").value_or(1))});
    }
}

hearth_load_spec SpecArguments::table() const {
    return {sizeof(hearth_load_spec), static_cast<uint32_t>(files.size()), files.data(), borrowed(spec)};
}

} // namespace hearth::runtime
