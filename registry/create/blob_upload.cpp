#include "base/error.hpp"
#include "registry/blobs/blob_store.hpp"
#include "registry/create/model_builder.hpp"

#include <boost/asio/post.hpp>

namespace hearth::registry {

namespace asio = boost::asio;

BlobUpload::BlobUpload(BlockingPool& disk, std::unique_ptr<PartialBlob> partial, BlobLease lease)
    : disk_(disk), partial_(std::move(partial)), lease_(std::move(lease)) {}

BlobUpload::~BlobUpload() {
    if (partial_) { // freeing gigabytes takes a while
        asio::post(disk_, [partial = std::shared_ptr<PartialBlob>(std::move(partial_))] {
            partial->discard(); // shared, as asio copies what it runs
        });
    }
}

asio::awaitable<void> BlobUpload::append(std::string bytes) {
    auto write = [this, bytes = std::move(bytes)] { partial_->append(bytes); };
    co_await run_blocking(disk_, std::move(write));
}

asio::awaitable<void> BlobUpload::publish() {
    auto finish = [this] {
        try {
            partial_->publish();
        } catch (const Error& error) {
            if (error.code() == ErrorCode::corrupt_blob || error.code() == ErrorCode::registry_failed) {
                throw Error(ErrorCode::invalid_argument,
                            std::string("digest mismatch: ") + error.what(), // the client's mistake
                            "send the whole file that the digest in the path was made of");
            }
            throw;
        }
    };
    co_await run_blocking(disk_, std::move(finish));
    partial_.reset();
}

} // namespace hearth::registry
