#include "base/config.hpp"
#include "base/error.hpp"
#include "cli/arguments.hpp"
#include "cli/commands/commands.hpp"
#include "cli/human_time.hpp"
#include "cli/output.hpp"
#include "cli/service.hpp"
#include "cli/terminal.hpp"
#include "protocol/error_table.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hearth::cli {
namespace {

int report_absence(const Error& error, const Service& service, bool json) {
    if (json) {
        Json answer;
        answer["running"] = false;
        answer["asleep"] = false;
        answer["service"] = nullptr;
        answer["socket"] = service.client().socket().string();
        answer.update(protocol::error_json(error));
        print_json(std::move(answer));
    } else {
        print("Hearth is not running\n");
        print_error(error, false);
    }
    return protocol::error_row(error.code()).exit_code;
}

/// Asking would start it, and then tell of a service that has just started.
void report_sleep(const Service& service, const Arguments& arguments) {
    const std::string socket = service.client().socket().string();
    if (arguments.json) {
        Json answer;
        answer["running"] = false;
        answer["asleep"] = true;
        answer["service"] = nullptr;
        answer["socket"] = socket;
        print_json(std::move(answer));
        return;
    }
    print(arguments.quiet
              ? "asleep\n"
              : printable(fmt::format("Hearth is asleep: the first connection starts it\n  socket    {}\n",
                                      socket)));
}

std::string join(const Json& names) {
    std::string text;
    for (const Json& name : names) {
        text.append(text.empty() ? "" : ", ")
            .append(name.is_string() ? name.get<std::string>() : to_text(name));
    }
    return text.empty() ? "none" : text;
}

/// "loaded" is a count or a list, by what the service says.
std::int64_t count_of(const Json& status, const char* key) {
    const auto member = status.find(key);
    if (member != status.end() && member->is_array()) {
        return static_cast<std::int64_t>(member->size());
    }
    return get_integer(status, key).value_or(0);
}

std::string bytes_of(const Json& status, const char* key) {
    return format_bytes(
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, get_integer(status, key).value_or(0))));
}

std::string describe(const Json& status) {
    const std::chrono::seconds uptime(
        static_cast<std::int64_t>(get_number(status, "uptime_seconds").value_or(0)));
    std::string text = fmt::format("Hearth {} is running (process {}, since {})\n",
                                   get_string(status, "version").value_or("?"),
                                   get_integer(status, "pid").value_or(0), short_duration(uptime));
    text += fmt::format("  socket    {}\n", get_string(status, "socket").value_or("?"));
    for (const Json& door : status.value("tcp", Json::array())) {
        text += fmt::format("  tcp       {} ({})\n", get_string(door, "address").value_or("?"),
                            get_string(door, "description").value_or("?"));
    }
    text += fmt::format("  data      {}\n", get_string(status, "data_dir").value_or("?"));
    text += fmt::format("  models    {} ({}, {} of unfinished downloads)\n", count_of(status, "models"),
                        bytes_of(status, "blob_bytes"), bytes_of(status, "partial_bytes"));
    text += fmt::format("  loaded    {}\n", count_of(status, "loaded"));
    text += fmt::format("  backends  {}\n", join(status.value("backends", Json::array())));
    if (const auto member = status.find("sandbox"); member != status.end()) {
        text += fmt::format("  sandbox   {}\n",
                            member->is_string() ? member->get<std::string>() : to_text(*member));
    }
    return printable(text);
}

} // namespace

int run_status(const Arguments& arguments, Service& service) {
    if (service.asleep()) {
        report_sleep(service, arguments);
        return 0;
    }
    Json status;
    try {
        status = service.client().get("/hearth/v1/status");
    } catch (const Error& error) {
        if (error.code() != ErrorCode::daemon_unreachable) {
            throw;
        }
        return report_absence(error, service, arguments.json);
    }
    if (arguments.json) {
        Json answer;
        answer["running"] = true;
        answer["asleep"] = false;
        answer["service"] = std::move(status);
        print_json(std::move(answer));
    } else {
        print(arguments.quiet ? "running\n" : describe(status));
    }
    return 0;
}

} // namespace hearth::cli
