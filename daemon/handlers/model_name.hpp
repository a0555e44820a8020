#pragma once

#include "daemon/handlers/services.hpp"
#include "daemon/http/request.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace hearth::daemon {

/// The model that an app means by `name`: for `default` the one that the user chose for this app or for all, else
/// a model of the store that happens to be called so; any other name is itself. Answers show what comes back.
/// @throws Error default_unset
boost::asio::awaitable<std::string> real_name(Services& services, std::string name, http::App app);

} // namespace hearth::daemon
