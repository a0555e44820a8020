#include "registry/shape_reader.hpp"

#include "base/error.hpp"
#include "registry/blobs/blob_store.hpp"
#include "registry/gguf/byte_source.hpp"
#include "registry/gguf/header.hpp"
#include "registry/gguf/shape.hpp"

#include <algorithm>
#include <vector>

namespace hearth::registry {
namespace {

gguf::Header read_header(const BlobStore& blobs, const ModelFile& file) {
    const UniqueFd fd = blobs.open(file.digest);
    try {
        return gguf::parse_header(gguf::FileSource(fd.get()));
    } catch (Error& error) {
        error.add_context("file " + file.digest.short_text());
        throw;
    }
}

std::shared_ptr<const StoredShapes> read_all(const BlobStore& blobs, const Model& model) {
    auto shapes = std::make_shared<StoredShapes>();
    std::vector<gguf::Header> weights;
    for (const ModelFile& file : model.files) {
        gguf::Header header = read_header(blobs, file);
        if (file.role == FileRole::model)
            weights.push_back(std::move(header));
        else if (file.role == FileRole::projector)
            shapes->projector = gguf::read_side_file(header);
        else if (file.role == FileRole::draft)
            shapes->draft = gguf::read_side_file(header);
    }
    std::vector<const gguf::Header*> shards;
    std::ranges::transform(weights, std::back_inserter(shards), [](const auto& header) { return &header; });
    shapes->model = gguf::read_shape(shards);
    return shapes;
}

} // namespace

boost::asio::awaitable<std::shared_ptr<const StoredShapes>> ShapeReader::read(Model model) {
    const std::string key = model.files_key();
    const auto same = [&](const auto& entry) { return entry.first == key; };
    if (const auto found = std::ranges::find_if(known_, same); found != known_.end())
        co_return found->second;
    auto work = [this, model = std::move(model)] { return read_all(blobs_, model); };
    std::shared_ptr<const StoredShapes> shapes = co_await run_blocking(disk_, std::move(work));
    if (std::ranges::none_of(known_, same)) { // another caller may have read it meanwhile
        known_.emplace_front(key, shapes);
        if (known_.size() > remembered)
            known_.pop_back();
    }
    co_return shapes;
}

} // namespace hearth::registry
