#include "runtime/host/model_slot.hpp"

#include "base/error.hpp"

#include <utility>

namespace hearth::runtime {

bool ModelSlot::is_loaded() const {
    const std::lock_guard lock(mutex_);
    return model_ != nullptr;
}

void ModelSlot::fill(hearth_model* model, std::vector<UniqueFd> files) {
    const std::lock_guard lock(mutex_);
    model_ = model;
    files_ = std::move(files);
}

void ModelSlot::empty() {
    hearth_model* model = nullptr;
    {
        std::unique_lock lock(mutex_);
        emptying_ = true;
        for (hearth_request* request : requests_) {
            backend_.request_cancel(request);
        }
        changed_.wait(lock, [this] { return leases_ == 0; });
        model = std::exchange(model_, nullptr);
    }
    if (model != nullptr) {
        backend_.unload(model);
    }
    const std::lock_guard lock(mutex_);
    files_.clear();
    emptying_ = false;
}

ModelSlot::Lease::Lease(ModelSlot& slot) : slot_(slot) {
    const std::lock_guard lock(slot_.mutex_);
    if (slot_.model_ == nullptr || slot_.emptying_) {
        throw Error(ErrorCode::backend_failed, "no model is loaded in this runner");
    }
    model_ = slot_.model_;
    ++slot_.leases_;
}

ModelSlot::Lease::~Lease() {
    {
        const std::lock_guard lock(slot_.mutex_);
        --slot_.leases_;
    }
    slot_.changed_.notify_all();
}

void ModelSlot::Lease::add(hearth_request* request) {
    const std::lock_guard lock(slot_.mutex_);
    slot_.requests_.insert(request);
    if (slot_.emptying_) { // it came between the lease and the request
        slot_.backend_.request_cancel(request);
    }
}

void ModelSlot::Lease::remove(hearth_request* request) {
    const std::lock_guard lock(slot_.mutex_);
    slot_.requests_.erase(request);
}

} // namespace hearth::runtime
