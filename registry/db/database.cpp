#include "registry/db/database.hpp"

namespace hearth::registry {

Database::Database(std::filesystem::path file) : file_(std::move(file)) {}

Database::~Database() {
    if (thread_)
        thread_->join();
}

BlockingPool& Database::thread() {
    if (!thread_)
        thread_ = std::make_unique<BlockingPool>(1);
    return *thread_;
}

Connection& Database::connection() {
    if (!connection_)
        connection_ = std::make_unique<Connection>(file_);
    return *connection_;
}

} // namespace hearth::registry
