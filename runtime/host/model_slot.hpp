#pragma once

#include "base/unique_fd.hpp"
#include "plugins/abi/hearth_backend.h"

#include <condition_variable>
#include <mutex>
#include <set>
#include <vector>

namespace hearth::runtime {

/// The one model of this process, and who uses it. Any thread.
class ModelSlot {
  public:
    explicit ModelSlot(const hearth_backend& backend) : backend_(backend) {}
    ModelSlot(const ModelSlot&) = delete;

    bool is_loaded() const;
    /// Takes the model and the descriptors that it may go on using.
    void fill(hearth_model* model, std::vector<UniqueFd> files);
    /// [ctl] Cancels every request, waits until the last has gone, unloads. Nothing when empty.
    void empty();

    /// While a lease lives the model stays. Requests are made known so that `empty` can cancel them.
    class Lease {
      public:
        /// @throws Error  backend_failed when no model is loaded
        explicit Lease(ModelSlot& slot);
        ~Lease();
        Lease(const Lease&) = delete;

        hearth_model* model() const noexcept { return model_; }
        void add(hearth_request* request);
        void remove(hearth_request* request);

      private:
        ModelSlot& slot_;
        hearth_model* model_;
    };

  private:
    const hearth_backend& backend_;
    mutable std::mutex mutex_; // guards what follows
    std::condition_variable changed_;
    hearth_model* model_ = nullptr;
    std::vector<UniqueFd> files_;
    bool emptying_ = false;
    int leases_ = 0;
    std::set<hearth_request*> requests_;
};

} // namespace hearth::runtime
