#pragma once

#include "daemon/handlers/services.hpp"
#include "daemon/http/router.hpp"

/// One function per endpoint group; each adds its routes. Router and services outlive every request.
namespace hearth::daemon {

void add_meta_routes(http::Router& router, Services& services);       ///< /, version, capabilities, status
void add_model_routes(http::Router& router, Services& services);      ///< tags, show, ps, delete
void add_pull_routes(http::Router& router, Services& services);       ///< pull
void add_blob_routes(http::Router& router, Services& services);       ///< blobs
void add_create_routes(http::Router& router, Services& services);     ///< create, copy
void add_generate_routes(http::Router& router, Services& services);   ///< generate
void add_chat_routes(http::Router& router, Services& services);       ///< chat
void add_embed_routes(http::Router& router, Services& services);      ///< embed
void add_openai_routes(http::Router& router, Services& services);     ///< /v1
void add_completion_routes(http::Router& router, Services& services); ///< /v1/completions
void add_anthropic_routes(http::Router& router, Services& services);  ///< /v1/messages
void add_search_routes(http::Router& router, Services& services);     ///< search
void add_load_routes(http::Router& router, Services& services);       ///< load, unload
void add_quantize_routes(http::Router& router, Services& services);   ///< quantize
void add_device_routes(http::Router& router, Services& services);     ///< devices
void add_plan_routes(http::Router& router, Services& services);       ///< plan
void add_event_routes(http::Router& router, Services& services);      ///< events
void add_token_routes(http::Router& router, Services& services);      ///< tokens
void add_default_routes(http::Router& router, Services& services);    ///< default
void add_config_routes(http::Router& router, Services& services);     ///< config
void add_doctor_routes(http::Router& router, Services& services);     ///< doctor
void add_page_routes(http::Router& router, Services& services);       ///< open

/// All of them.
void add_routes(http::Router& router, Services& services);

} // namespace hearth::daemon
