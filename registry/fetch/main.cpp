#include "base/error.hpp"
#include "base/log.hpp"
#include "process/sandbox.hpp"
#include "process/spawn.hpp"
#include "process/wire/server.hpp"
#include "registry/fetch/handle_pool.hpp"
#include "registry/fetch/transfer.hpp"
#include "registry/pull/fetch_message.hpp"

#include <curl/curl.h>

#include <exception>

/// `hearth-fetch`: every byte that Hearth gets from the network passes through this process, and nothing else
/// does. It holds no descriptor of the store and never sees a prompt. It serves the wire on descriptor 3 and
/// ends with it.
int main() {
    try {
        hearth::process::tie_to_parent();
        hearth::log::init_from_environment();
        curl_global_init(CURL_GLOBAL_DEFAULT); // reads OpenSSL's configuration: before the lock
        hearth::process::enter_sandbox(hearth::process::SandboxProfile::fetch);

        hearth::registry::fetch::HandlePool pool;
        const auto handle = [&pool](hearth::process::wire::ServerStream& stream) {
            hearth::registry::fetch::Transfer transfer(pool, stream,
                                                       hearth::registry::parse_fetch_request(stream.head()));
            transfer.run();
        };
        const hearth::process::wire::ServerOptions options{
            .role = "fetch",
            .hello_extra = {},
            .max_threads = 64,
            .on_eof = {}, // curl asks at least once a second whether its stream was cancelled: soon enough
        };
        hearth::process::wire::serve(hearth::UniqueFd(3), options, handle);
        return 0;
    } catch (const std::exception& error) {
        hearth::log::error("fetch", error.what());
        return 1;
    }
}
