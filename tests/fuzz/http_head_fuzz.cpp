#include "base/error.hpp"
#include "daemon/http/body_reader.hpp"
#include "daemon/http/door_rules.hpp"
#include "daemon/http/head.hpp"
#include "daemon/http/request.hpp"

#include <cstdlib>

using namespace hearth::daemon::http; // NOLINT(google-build-using-namespace)

namespace {

void require(bool holds) {
    if (!holds)
        std::abort();
}

/// What the session and the router rely on.
void check_promises(const Head& head, const Limits& limits) {
    require(head.target.starts_with('/'));
    require(!(head.chunked && head.content_length));
    require(head.fields.size() <= limits.header_fields);
    for (const auto& [name, value] : head.fields) {
        require(!name.empty());
        require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    }
}

/// Rules that a name of ours passes and a refused one does not come back from.
void check_door(const Head& head) {
    const DoorRules rules{.hosts = {"box.example"}, .origins = {"https://app.example"}};
    const Endpoint local = parse_endpoint("127.0.0.1:11434");
    const std::string_view origin = check_origin(head, rules, local);
    require(origin.empty() || origin == "https://app.example");
    check_host(head, rules, local);
    require(head.field("host").find("evil") == std::string_view::npos);
    check_content_type(head);
}

void read_body(const Head& head, std::string body, const Limits& limits) {
    BodyReader reader(head, limits.json_body_bytes, limits);
    reader.feed(body);
    if (reader.done())
        reader.take();
}

} // namespace

/// A request as it comes from outside, from its first byte to the end of its body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Limits limits;
    const auto end = text.find("\r\n\r\n");
    find_prefix_fault(text.substr(0, end), limits);
    if (end == std::string_view::npos)
        return 0;
    HeadFault fault{0, {}};
    const auto head = parse_head(text.substr(0, end + 4), limits, fault);
    require(head.has_value() == (fault.status == 0));
    if (!head)
        return 0;
    check_promises(*head, limits);
    for (const auto step : {0, 1, 2}) {
        try {
            Request request;
            if (step == 0)
                parse_target(head->target, request);
            else if (step == 1)
                check_door(*head);
            else
                read_body(*head, std::string(text.substr(end + 4)), limits);
        } catch (const hearth::Error& error) {
            require(error.code() != hearth::ErrorCode::internal);
        }
    }
    return 0;
}
