#include "daemon/handlers/routes.hpp"

#include "daemon/handlers/selftest.hpp"

namespace hearth::daemon {

void add_routes(http::Router& router, Services& services) {
    add_meta_routes(router, services);
    add_model_routes(router, services);
    add_pull_routes(router, services);
    add_blob_routes(router, services);
    add_create_routes(router, services);
    add_generate_routes(router, services);
    add_chat_routes(router, services);
    add_embed_routes(router, services);
    add_openai_routes(router, services);
    add_completion_routes(router, services);
    add_anthropic_routes(router, services);
    add_search_routes(router, services);
    add_load_routes(router, services);
    add_quantize_routes(router, services);
    add_device_routes(router, services);
    add_plan_routes(router, services);
    add_event_routes(router, services);
    add_token_routes(router, services);
    add_default_routes(router, services);
    add_config_routes(router, services);
    add_doctor_routes(router, services);
    add_selftest_routes(router, services);
    add_page_routes(router, services);
}

} // namespace hearth::daemon
