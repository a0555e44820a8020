#include "daemon/engine_variants.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

#include <fmt/format.h>

#include <utility>

namespace hearth::daemon {

namespace asio = boost::asio;

EngineVariants::EngineVariants(asio::any_io_executor executor, BlockingPool& disk, std::filesystem::path file)
    : disk_(disk), file_(std::move(file)), ended_(std::move(executor)) {}

std::vector<runtime::PluginManifest> EngineVariants::apply(std::vector<runtime::PluginManifest> plugins) {
    const runtime::VariantRecord record(file_);
    for (runtime::PluginManifest& plugin : plugins) {
        std::vector<runtime::SetAside> variants = record.set_aside(plugin);
        plugin.passed_over = static_cast<int>(variants.size());
        if (!variants.empty()) {
            set_aside_[plugin.name] = std::move(variants);
        }
    }
    return plugins;
}

std::vector<runtime::SetAside> EngineVariants::set_aside(const std::string& backend) const {
    const auto found = set_aside_.find(backend);
    return found == set_aside_.end() ? std::vector<runtime::SetAside>() : found->second;
}

asio::awaitable<void> EngineVariants::keep(runtime::PluginManifest plugin,
                                           std::vector<runtime::SetAside> variants) {
    set_aside_[plugin.name] = variants;
    auto write = [file = file_, plugin = std::move(plugin), variants = std::move(variants)] {
        runtime::VariantRecord(file).keep(plugin, variants);
    };
    try {
        co_await run_blocking(disk_, std::move(write));
    } catch (const Error& error) {
        if (error.code() == ErrorCode::cancelled) {
            throw;
        }
        log::warning("daemon", fmt::format("{} was not written: {}", file_.string(), error.what()));
    }
}

asio::awaitable<std::unique_ptr<EngineVariants::Search>> EngineVariants::search() {
    while (searching_) {
        co_await ended_.wait();
    }
    co_return std::make_unique<Search>(*this);
}

} // namespace hearth::daemon
