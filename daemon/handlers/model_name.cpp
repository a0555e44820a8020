#include "daemon/handlers/model_name.hpp"

#include "base/error.hpp"
#include "daemon/default_models.hpp"
#include "daemon/shipped_model.hpp"
#include "registry/catalog.hpp"

#include <fmt/format.h>

namespace hearth::daemon {

boost::asio::awaitable<std::string> real_name(Services& services, std::string name, http::App app) {
    co_await services.shipped.settled(); // who asks for it at the first start finds it
    if (name != default_name) {
        co_return name;
    }
    if (auto chosen = services.defaults.meant_by(app)) {
        co_return std::move(*chosen);
    }
    if (co_await services.catalog.find(name)) {
        co_return name;
    }
    const std::string who = app.name.empty() ? "" : fmt::format(" (this app is {})", app.name);
    throw Error(ErrorCode::default_unset, fmt::format("nobody chose what \"{}\" means{}", default_name, who),
                "hearth use MODEL chooses for all apps, hearth use MODEL --app NAME for one");
}

} // namespace hearth::daemon
