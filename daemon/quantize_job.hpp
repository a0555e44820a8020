#pragma once

#include "base/json.hpp"
#include "registry/blobs/lease.hpp"
#include "registry/model.hpp"

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hearth::registry {
class OutputFile;
}
namespace hearth::runtime {
class Quantizer;
}

namespace hearth::daemon {

struct Services;

struct QuantizeRequest {
    std::string model;
    std::string type;
    std::string as; ///< empty: the model's own name with the type as its tag
};

/// Makes a smaller model from an installed one: a confined runner writes into a file of the store, which becomes
/// a blob and a model when that process is gone. One request's; on the io executor. `clean` must have returned
/// before it is destroyed, whatever happened.
class QuantizeJob {
  public:
    /// How far it is: "quantizing" or "verifying", bytes of all.
    using Report = std::function<void(const char* status, std::uint64_t completed, std::uint64_t total)>;

    QuantizeJob(Services& services, QuantizeRequest request);
    ~QuantizeJob();
    QuantizeJob(const QuantizeJob&) = delete;

    /// Everything that can be refused before the work: model, type, name, source and disk space.
    /// @throws Error  model_not_found, invalid_argument, unsupported, bad_reference, disk_full
    boost::asio::awaitable<void> prepare();
    /// The name that the new model will have. After `prepare`.
    std::string name() const { return target_->short_name(); }
    /// @return what the last line of the answer says
    boost::asio::awaitable<Json> run(Report report);
    /// Ends the runner and deletes what was not published. The caller has disabled its cancellation.
    boost::asio::awaitable<void> clean();

  private:
    boost::asio::awaitable<std::vector<registry::OpenModelFile>> open_weights();
    boost::asio::awaitable<void> choose_name();
    boost::asio::awaitable<void> hold_source();
    boost::asio::awaitable<void> write(Report report);
    boost::asio::awaitable<Digest> publish(Report report);
    boost::asio::awaitable<registry::Model> record(Digest weights);
    boost::asio::awaitable<void> stop_runner();
    std::uint64_t output_bytes() const;

    Services& services_;
    QuantizeRequest request_;
    std::optional<registry::Model> source_;
    std::string source_manifest_;
    std::optional<registry::ModelRef> target_;
    std::vector<registry::BlobLease> leases_;
    std::unique_ptr<runtime::Quantizer> quantizer_;
    std::unique_ptr<registry::OutputFile> output_;
    Json plan_;
};

} // namespace hearth::daemon
