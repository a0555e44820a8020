#include "daemon/quantize_job.hpp"

#include "base/error.hpp"
#include "base/sha256.hpp"
#include "daemon/handlers/services.hpp"
#include "daemon/quantize_report.hpp"
#include "registry/blobs/blob_store.hpp"
#include "registry/blobs/free_space.hpp"
#include "registry/blobs/output_file.hpp"
#include "registry/catalog.hpp"
#include "registry/derived_manifest.hpp"
#include "runtime/runner/quantizer.hpp"
#include "runtime/scheduler/scheduler.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace hearth::daemon {

namespace asio = boost::asio;
using registry::Layer;
using registry::ModelRef;

namespace {

/// Hashed in portions, so that a client can leave between them.
constexpr std::uint64_t hash_bytes = std::uint64_t{64} << 20;

runtime::PluginManifest find_quantizer(const runtime::Scheduler& scheduler) {
    for (const runtime::PluginManifest& plugin : scheduler.plugins()) {
        if (plugin.has_operation("quantize")) {
            return plugin;
        }
    }
    throw Error(ErrorCode::unsupported, "no installed backend can make smaller models");
}

/// "local/llama3.2:q4_k_m": never a name of the registry where the source came from, as it does not serve this.
ModelRef own_name(const ModelRef& source, std::string type) {
    ModelRef name;
    name.kind = ModelRef::Kind::local;
    name.host = "local";
    name.repository = source.repository.substr(source.repository.rfind('/') + 1);
    std::ranges::transform(type, type.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    name.tag = std::move(type);
    return name;
}

ModelRef parse_target(const std::string& as) {
    ModelRef name = ModelRef::parse(as, "local");
    if (name.kind != ModelRef::Kind::oci && name.kind != ModelRef::Kind::local) {
        throw Error(ErrorCode::bad_reference, "a model cannot be kept under the name '" + as + "'");
    }
    return name;
}

} // namespace

QuantizeJob::QuantizeJob(Services& services, QuantizeRequest request)
    : services_(services), request_(std::move(request)) {}

QuantizeJob::~QuantizeJob() = default;

std::uint64_t QuantizeJob::output_bytes() const {
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, get_integer(plan_, "output_bytes").value_or(0)));
}

asio::awaitable<void> QuantizeJob::prepare() {
    source_ = co_await services_.catalog.get(request_.model);
    co_await hold_source();
    runtime::PluginManifest plugin = find_quantizer(services_.scheduler);
    quantizer_ = co_await runtime::start_quantizer(co_await asio::this_coro::executor, std::move(plugin));
    const Json types = co_await quantizer_->types();
    request_.type = quantize_type(types, request_.type);
    co_await choose_name();
    std::vector<registry::OpenModelFile> files = co_await open_weights();
    runtime::QuantizeSpec spec{.type = request_.type};
    plan_ = co_await quantizer_->plan(std::move(spec), std::move(files));
    quantize_report(plan_); // a backend whose numbers are missing is refused here
    auto look = [this] { registry::expect_space(services_.blobs.data_dir(), output_bytes()); };
    co_await run_blocking(services_.workers, std::move(look));
}

/// Nothing of the source may go while it is read.
asio::awaitable<void> QuantizeJob::hold_source() {
    source_manifest_ = co_await services_.catalog.manifest(*source_);
    std::vector<Digest> digests;
    for (const Layer& layer : registry::needed_layers(registry::parse_manifest(source_manifest_))) {
        digests.push_back(layer.digest);
    }
    leases_.push_back(services_.catalog.lease(std::move(digests)));
}

asio::awaitable<void> QuantizeJob::choose_name() {
    target_ = request_.as.empty() ? own_name(source_->ref, request_.type) : parse_target(request_.as);
    if (co_await services_.catalog.find(target_->full_name())) {
        const std::string name = target_->short_name();
        throw Error(ErrorCode::invalid_argument, fmt::format("there is a model '{}' already", name),
                    fmt::format("choose another name with --as, or remove it: hearth rm {}", name));
    }
}

asio::awaitable<std::vector<registry::OpenModelFile>> QuantizeJob::open_weights() {
    std::vector<registry::OpenModelFile> files = co_await services_.catalog.open_files(*source_);
    std::erase_if(files, [](const auto& file) { return file.role != registry::FileRole::model; });
    co_return files;
}

asio::awaitable<Json> QuantizeJob::run(Report report) {
    co_await write(report);
    co_await stop_runner(); // from here on nobody can change the file
    Digest weights = co_await publish(report);
    const registry::Model model = co_await record(std::move(weights));
    Json answer = quantize_report(plan_);
    answer["status"] = "success";
    answer["model"] = model.ref.short_name();
    answer["digest"] = model.digest.text();
    answer["source"] = {{"model", source_->ref.short_name()}, {"size", plan_.value("input_bytes", Json())}};
    co_return answer;
}

asio::awaitable<void> QuantizeJob::write(Report report) {
    report("quantizing", 0, output_bytes());
    auto create = [this] { return std::make_unique<registry::OutputFile>(services_.blobs); };
    output_ = co_await run_blocking(services_.workers, std::move(create));
    std::vector<registry::OpenModelFile> files = co_await open_weights();
    runtime::QuantizeSpec spec{.type = request_.type, .threads = services_.config.threads};
    const std::uint64_t total = output_bytes();
    auto progress = [report, total](const std::string&, double fraction) {
        const double part = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(total);
        report("quantizing", static_cast<std::uint64_t>(part), total);
    };
    std::optional<Error> failure;
    try {
        plan_ = co_await quantizer_->run(std::move(spec), std::move(files), output_->open_writer(), progress);
    } catch (const Error& error) {
        failure = error;
    }
    if (!failure) {
        co_return;
    }
    if (failure->code() == ErrorCode::backend_failed) { // the disk filled up meanwhile?
        auto look = [this] { registry::expect_space(services_.blobs.data_dir(), 0); };
        co_await run_blocking(services_.workers, std::move(look));
    }
    failure->add_context("quantizing " + source_->ref.short_name());
    throw Error(*failure);
}

asio::awaitable<Digest> QuantizeJob::publish(Report report) {
    auto seal = [this] { output_->seal(); };
    co_await run_blocking(services_.workers, std::move(seal));
    if (output_->size() != output_bytes()) {
        throw Error(ErrorCode::backend_failed, fmt::format("the backend wrote {} bytes, it had planned {}",
                                                           output_->size(), output_bytes()));
    }
    for (bool more = true; more;) {
        auto hash = [this] { return output_->hash_some(hash_bytes); };
        more = co_await run_blocking(services_.workers, std::move(hash));
        report("verifying", output_->hashed(), output_->size());
    }
    const std::string config = registry::make_config();
    // Leases before the blobs are there: an rm in between must not take them.
    leases_.push_back(services_.catalog.lease({output_->digest(), sha256_of(config)}));
    auto put = [this, config] { return services_.blobs.put(config); };
    co_await run_blocking(services_.workers, std::move(put));
    // A blob without a model must not stay: what follows is short, and no longer stops when the client leaves.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    auto publish = [this] { return output_->publish(); };
    Digest digest = co_await run_blocking(services_.workers, std::move(publish));
    co_return digest;
}

asio::awaitable<registry::Model> QuantizeJob::record(Digest weights) {
    const std::string config = registry::make_config();
    const Layer config_layer{.media_type = registry::media_type::config,
                             .digest = sha256_of(config),
                             .size = config.size(),
                             .annotations = {}};
    const Layer layer{.media_type = registry::media_type::ollama_model,
                      .digest = weights,
                      .size = output_bytes(),
                      .annotations = {{registry::annotation::source, source_->ref.full_name()},
                                      {registry::annotation::source_digest, source_->digest.text()},
                                      {registry::annotation::quantization, request_.type}}};
    std::string manifest = registry::derive_manifest(source_manifest_, layer, config_layer);
    std::optional<Error> refusal;
    try {
        co_return co_await services_.catalog.record(*target_, manifest);
    } catch (const Error& error) {
        refusal = error;
    }
    leases_.clear();
    co_await services_.catalog.discard_unrecorded(std::move(manifest));
    throw Error(*refusal);
}

asio::awaitable<void> QuantizeJob::stop_runner() {
    if (quantizer_) {
        co_await quantizer_->stop();
        quantizer_.reset();
    }
}

asio::awaitable<void> QuantizeJob::clean() {
    co_await stop_runner();
    auto drop = [this] { output_.reset(); };
    co_await run_blocking(services_.workers, std::move(drop));
}

} // namespace hearth::daemon
