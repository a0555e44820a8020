#include "base/config.hpp"
#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/human_time.hpp"
#include "cli/model_row.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace hearth::cli {
namespace {

constexpr std::size_t column_gap = 2;

std::string joined(const std::vector<std::string>& parts) {
    return fmt::format("{}", fmt::join(parts, ", "));
}

/// "4.1 GB gpu0, 1.0 GB cpu", the device with most first; the whole size where no device is told.
std::string memory_of(const Json& model, bool for_people) {
    std::vector<std::pair<std::uint64_t, std::string>> devices;
    for (const Json& device : model.value("devices", Json::array())) {
        devices.emplace_back(get_integer(device, "bytes").value_or(0), get_string(device, "id").value_or(""));
    }
    std::ranges::sort(devices, std::greater(), &std::pair<std::uint64_t, std::string>::first);
    std::vector<std::string> parts;
    parts.reserve(devices.size());
    for (const auto& [bytes, device] : devices) {
        parts.push_back((for_people ? format_bytes(bytes) : std::to_string(bytes)) + " " + device);
    }
    return parts.empty() ? size_of(model, for_people) : joined(parts);
}

/// A program's file for people, its whole path for programs.
std::string app_name(const std::string& app, bool for_people) {
    if (app.empty()) {
        return "unknown";
    }
    return for_people ? app.substr(app.rfind('/') + 1) : app;
}

/// "open-webui, python3 x2, 1 waiting"
std::string users_of(const Json& model, bool for_people) {
    std::vector<std::string> parts;
    for (const Json& user : model.value("users", Json::array())) {
        const std::int64_t requests = get_integer(user, "requests").value_or(1);
        parts.push_back(app_name(get_string(user, "app").value_or(""), for_people) +
                        (requests > 1 ? fmt::format(" x{}", requests) : ""));
    }
    const std::int64_t active = get_integer(model, "active_requests").value_or(0);
    if (parts.empty() && active > 0) {
        parts.push_back(fmt::format("{} active", active));
    }
    if (const std::int64_t waiting = get_integer(model, "waiting_requests").value_or(0); waiting > 0) {
        parts.push_back(fmt::format("{} waiting", waiting));
    }
    return parts.empty() ? "nobody" : joined(parts);
}

/// The time left for people: "4m10s", "forever", "in use"; else the time as the service wrote it.
std::string until(const Json& model, bool for_people) {
    std::string text = get_string(model, "expires_at").value_or("");
    const auto time = parse_rfc3339(text);
    std::string state = get_string(model, "state").value_or("ready");
    if (!for_people || !time) {
        return text;
    }
    if (state != "ready") {
        return state;
    }
    if (get_integer(model, "active_requests").value_or(0) > 0) {
        return "in use";
    }
    const auto left = *time - seconds_now();
    if (left > std::chrono::years(20)) {
        return "forever";
    }
    return left <= std::chrono::seconds(0) ? "stopping" : short_duration(left);
}

} // namespace

int run_ps(const Arguments& arguments, Service& service) {
    const Json models = models_of(service.client().get("/api/ps"));
    if (print_for_scripts(arguments, models)) {
        return 0;
    }
    const auto width = table_width();
    const bool for_people = width.has_value();
    std::vector<TableRow> rows;
    for (const Json& model : models) {
        rows.push_back({name_of(model), memory_of(model, for_people),
                        std::to_string(get_integer(model, "context_length").value_or(0)),
                        until(model, for_people), users_of(model, for_people),
                        get_string(model, "reason").value_or("")});
    }
    print(format_table({"NAME", "MEMORY", "CONTEXT", "UNTIL", "USED BY", "WHY"}, rows, width, column_gap));
    return 0;
}

} // namespace hearth::cli
