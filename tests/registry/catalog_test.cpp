#include "registry/catalog.hpp"

#include "registry/blobs/blob_store.hpp"
#include "registry/db/database.hpp"
#include "registry/derived_manifest.hpp"
#include "registry/manifest.hpp"
#include "tests/base/expect_error.hpp"
#include "tests/base/temporary_dir.hpp"
#include "tests/registry/run_coroutine.hpp"
#include "tests/support/gguf_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sys/stat.h>

namespace hearth::registry {
namespace {

using ::testing::ElementsAre;
using testing::expect_error;
using testing::GgufWriter;
using testing::run_coroutine;
using testing::small_llama;

class CatalogTest : public ::testing::Test {
  protected:
    Layer put(const char* type, const std::string& bytes) {
        return Layer{type, blobs_.put(bytes), bytes.size(), {}};
    }
    Layer weights(const GgufWriter& gguf) { return put(media_type::ollama_model, gguf.bytes()); }
    std::string manifest_of(const std::vector<Layer>& layers) {
        return make_manifest(put(media_type::config, make_config()), layers);
    }

    Model record(const char* name, const std::string& manifest) {
        return run_coroutine(catalog_.record(ModelRef::parse(name), manifest));
    }
    Model record(const char* name, const GgufWriter& gguf) {
        return record(name, manifest_of({weights(gguf)}));
    }
    void expect_refused(ErrorCode code, const std::vector<Layer>& layers) {
        const std::string manifest = manifest_of(layers);
        expect_error(code, [&] { record("bad", manifest); });
        EXPECT_FALSE(find("bad"));
    }

    std::optional<Model> find(const std::string& name) { return run_coroutine(catalog_.find(name)); }
    Catalog::Removed remove(const std::string& name) { return run_coroutine(catalog_.remove(name)); }
    std::vector<std::string> names() {
        std::vector<std::string> all;
        for (const Model& model : run_coroutine(catalog_.list()))
            all.push_back(model.ref.short_name());
        return all;
    }

    testing::TemporaryDir dir_;
    BlobStore blobs_{dir_.path()};
    Database database_{dir_.path() / "index.db"};
    BlockingPool disk_{2};
    Catalog catalog_{database_, blobs_, disk_, "registry.ollama.ai"};
};

GgufWriter shard(int number, int count, int tensors) {
    GgufWriter gguf;
    gguf.text("general.architecture", "llama").u32("llama.context_length", 64);
    gguf.u16("split.no", static_cast<std::uint16_t>(number - 1))
        .u16("split.count", static_cast<std::uint16_t>(count));
    gguf.i32("split.tensors.count", tensors).tensor("t" + std::to_string(number), {8});
    return gguf;
}

TEST_F(CatalogTest, RecordsWhatTheHeaderSays) {
    const std::string manifest = manifest_of({weights(small_llama())});
    const Model model = record("tiny:q4", manifest);
    EXPECT_EQ(model.digest, sha256_of(manifest));
    EXPECT_EQ(model.ref.full_name(), "registry.ollama.ai/library/tiny:q4");
    EXPECT_EQ(model.size_bytes, small_llama().bytes().size() + make_config().size());
    EXPECT_EQ(model.details.family, "llama");
    EXPECT_EQ(model.details.parameter_size, "56");
    EXPECT_EQ(model.details.quantization_level, "F32");
    EXPECT_EQ(model.details.context_length, 2048);
    EXPECT_THAT(model.capabilities, ElementsAre("completion"));
    ASSERT_EQ(model.files.size(), 1U);
    EXPECT_EQ(model.files[0].digest, sha256_of(small_llama().bytes()));
}

TEST_F(CatalogTest, FindsTheSameAfterARestart) {
    const Model recorded = record("tiny", small_llama());
    Database again(dir_.path() / "index.db");
    Catalog catalog(again, blobs_, disk_, "registry.ollama.ai");
    const std::optional<Model> found = run_coroutine(catalog.find("tiny"));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->digest, recorded.digest);
    EXPECT_EQ(found->modified_at, recorded.modified_at);
    EXPECT_EQ(found->files_key(), recorded.files_key());
    EXPECT_EQ(found->chat_template, recorded.chat_template);
    EXPECT_EQ(found->details.families, recorded.details.families);
}

TEST_F(CatalogTest, KeepsManifestsByteForByte) {
    const std::string manifest = "  " + manifest_of({weights(small_llama())}) + "\n\n";
    const Model model = record("tiny", manifest);
    EXPECT_EQ(model.digest, sha256_of(manifest));
    auto read = [](Connection& connection) {
        Statement query = connection.prepare("SELECT bytes FROM manifests");
        query.step();
        return query.blob(0);
    };
    EXPECT_EQ(run_coroutine(database_.run(read)), manifest);
}

TEST_F(CatalogTest, FindsByEveryFormOfTheName) {
    const Model model = record("Tiny:Q4", small_llama());
    for (const std::string& name :
         {std::string("tiny:q4"), std::string("TINY:Q4"), std::string("library/tiny:q4"),
          std::string("registry.ollama.ai/library/tiny:q4"),
          std::string("https://registry.ollama.ai/tiny:q4"), model.digest.text(), "@" + model.digest.text(),
          "tiny:q4@" + model.digest.text()})
        EXPECT_TRUE(find(name)) << name;
    EXPECT_FALSE(find("tiny"));
    EXPECT_FALSE(find("tiny:q4@" + sha256_of("other").text()));
    EXPECT_FALSE(find(sha256_of("other").text()));
    EXPECT_EQ(find("tiny:q4")->ref.short_name(), "Tiny:Q4");
    expect_error(ErrorCode::bad_reference, [&] { find("../x"); });
}

TEST_F(CatalogTest, FindsFilesAndUrlsByTheirLocalName) {
    const Model model = record("file:///tmp/stories260K.gguf", small_llama());
    EXPECT_EQ(model.ref.full_name(), "local/stories260K:latest");
    EXPECT_TRUE(find("stories260K"));
    EXPECT_TRUE(find("local/stories260k"));
    EXPECT_TRUE(find("file:///tmp/stories260K.gguf"));
    EXPECT_TRUE(find("file:///tmp/stories260K.gguf@" + model.files[0].digest.text()));
    EXPECT_FALSE(find("file:///tmp/stories260K.gguf@" + sha256_of("other").text()));
    EXPECT_FALSE(find("registry.ollama.ai/library/stories260K"));
}

TEST_F(CatalogTest, PrefersTheRegistrysModelToALocalOne) {
    record("local/tiny", small_llama("a", 1));
    EXPECT_EQ(find("tiny")->ref.kind, ModelRef::Kind::local);
    record("tiny", small_llama("b", 2));
    EXPECT_EQ(find("tiny")->ref.kind, ModelRef::Kind::oci);
}

TEST_F(CatalogTest, HasOneModelForNamesThatDifferInCase) {
    record("Foo:Q4_k_m", small_llama("a", 1));
    record("foo:q4_K_M", small_llama("b", 2));
    EXPECT_THAT(names(), ElementsAre("foo:q4_K_M"));
}

TEST_F(CatalogTest, ListsTheNewestFirst) {
    record("a", small_llama("a", 1));
    record("b", small_llama("b", 2));
    record("c", small_llama("c", 3));
    record("a", small_llama("a", 1));
    EXPECT_THAT(names(), ElementsAre("a:latest", "c:latest", "b:latest"));
}

TEST_F(CatalogTest, SuggestsTheNearestName) {
    record("llama3.2", small_llama());
    const auto hint_of = [&](const char* name) {
        try {
            run_coroutine(catalog_.get(name));
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::model_not_found);
            EXPECT_EQ(error.what(), "model '" + std::string(name) + "' not found");
            return error.hint();
        }
        return std::string("it was found");
    };
    EXPECT_EQ(hint_of("lama3.2"), "did you mean 'llama3.2'?");
    EXPECT_EQ(hint_of("qwen3"), "hearth pull qwen3");
}

TEST_F(CatalogTest, MovesATagOnlyToAGoodModel) {
    const Model good = record("tiny", small_llama());
    const std::string truncated = small_llama("x", 1).bytes().substr(0, 500);
    const std::string manifest = manifest_of({put(media_type::ollama_model, truncated)});
    expect_error(ErrorCode::model_invalid, [&] { record("tiny", manifest); });
    EXPECT_EQ(find("tiny")->digest, good.digest);
}

TEST_F(CatalogTest, RefusesWhatIsNoModel) {
    expect_refused(ErrorCode::model_invalid, {put(media_type::ollama_model, "<html>")});
    expect_refused(ErrorCode::model_invalid, {weights(GgufWriter().text("general.architecture", "clip"))});
    expect_refused(
        ErrorCode::model_invalid,
        {weights(GgufWriter().text("general.architecture", "llama").text("general.type", "adapter"))});
    expect_refused(ErrorCode::unsupported, {put("application/vnd.ollama.image.tensor", "x")});
    expect_refused(ErrorCode::model_invalid,
                   {weights(small_llama()), put(media_type::ollama_projector, "no gguf")});
    expect_refused(ErrorCode::bad_manifest,
                   {weights(small_llama()), put("application/vnd.ollama.image.params", "[1]")});
    expect_refused(ErrorCode::bad_manifest,
                   {weights(small_llama()), put("application/vnd.ollama.image.params", "{")});
    expect_refused(ErrorCode::bad_manifest,
                   {weights(small_llama()), put("application/vnd.ollama.image.messages", "{}")});
}

TEST_F(CatalogTest, RefusesAManifestWhoseBlobsAreNotThere) {
    Layer missing{media_type::ollama_model, sha256_of("missing"), 7, {}};
    expect_refused(ErrorCode::corrupt_blob, {missing});
    Layer other_size = weights(small_llama());
    other_size.size += 1;
    expect_refused(ErrorCode::corrupt_blob, {other_size});
}

TEST_F(CatalogTest, RefusesAManifestThatIsNotThePinnedOne) {
    const std::string manifest = manifest_of({weights(small_llama())});
    const std::string right = "tiny@" + sha256_of(manifest).text();
    expect_error(ErrorCode::corrupt_blob,
                 [&] { record(("tiny@" + sha256_of("x").text()).c_str(), manifest); });
    EXPECT_EQ(record(right.c_str(), manifest).ref.pin, std::nullopt);
}

TEST_F(CatalogTest, PutsShardsInOrder) {
    const Model model = record(
        "split", manifest_of({weights(shard(2, 3, 3)), weights(shard(1, 3, 3)), weights(shard(3, 3, 3))}));
    ASSERT_EQ(model.files.size(), 3U);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(model.files[static_cast<std::size_t>(i)].shard, i + 1);
        EXPECT_EQ(model.files[static_cast<std::size_t>(i)].digest, sha256_of(shard(i + 1, 3, 3).bytes()));
    }
    EXPECT_EQ(model.details.parameter_size, "24");
}

TEST_F(CatalogTest, RefusesShardsThatAreNotComplete) {
    expect_refused(ErrorCode::model_invalid, {weights(shard(1, 2, 2))});
    expect_refused(ErrorCode::model_invalid, {weights(shard(2, 2, 2))});
    expect_refused(ErrorCode::model_invalid, {weights(shard(1, 3, 3)), weights(shard(3, 3, 3))});
    expect_refused(ErrorCode::model_invalid, {weights(shard(1, 2, 2)), weights(shard(2, 3, 2))});
    expect_refused(ErrorCode::model_invalid, {weights(shard(1, 2, 5)), weights(shard(2, 2, 5))});
    expect_refused(ErrorCode::model_invalid, {weights(small_llama("a", 1)), weights(small_llama("b", 2))});
}

TEST_F(CatalogTest, ReadsTheTextLayers) {
    const Model model = record(
        "full",
        manifest_of({weights(small_llama()), put(media_type::ollama_template, "{{ .Prompt }}{{ .Tools }}"),
                     put("application/vnd.ollama.image.system", "Be brief."),
                     put("application/vnd.ollama.image.params", R"({"stop":["x"]})"),
                     put("application/vnd.ollama.image.messages", "[]"),
                     put(media_type::ollama_license, "MIT"), put(media_type::ollama_license, "BSD \xff"),
                     put("text/unknown", "ignored")}));
    EXPECT_EQ(model.system, "Be brief.");
    EXPECT_EQ(model.parameters_json, R"({"stop":["x"]})");
    EXPECT_EQ(model.messages_json, "[]");
    EXPECT_THAT(model.capabilities, ElementsAre("completion", "tools"));
    const Model found = *find("full");
    EXPECT_EQ(found.template_text, "{{ .Prompt }}{{ .Tools }}");
    ASSERT_EQ(found.licenses.size(), 2U);
    EXPECT_EQ(found.licenses[0], "MIT");
}

TEST_F(CatalogTest, NamesAProjectorBesideTheWeights) {
    const Layer projector =
        put(media_type::ollama_projector, GgufWriter().text("general.architecture", "clip").bytes());
    const Model model = record("eyes", manifest_of({projector, weights(small_llama())}));
    ASSERT_EQ(model.files.size(), 2U);
    EXPECT_EQ(model.files[0].role, FileRole::model);
    EXPECT_EQ(model.files[1].role, FileRole::projector);
    EXPECT_THAT(model.details.families, ElementsAre("llama", "clip"));
    EXPECT_THAT(model.capabilities, ElementsAre("completion", "vision"));
}

TEST_F(CatalogTest, RemovesTheBytesThatNothingElseUses) {
    const Layer shared = put(media_type::ollama_license, "one licence for both");
    const Layer own = weights(small_llama("a", 1));
    record("a", manifest_of({own, shared}));
    record("b", manifest_of({weights(small_llama("b", 2)), shared}));
    const Catalog::Removed removed = remove("a");
    EXPECT_EQ(removed.freed_bytes, own.size);
    EXPECT_EQ(removed.shared_bytes, shared.size + make_config().size());
    EXPECT_FALSE(blobs_.contains(own.digest));
    EXPECT_TRUE(blobs_.contains(shared.digest));
    remove("b");
    EXPECT_FALSE(blobs_.contains(shared.digest));
    EXPECT_EQ(run_coroutine(catalog_.usage()).blob_bytes, 0U);
    expect_error(ErrorCode::model_not_found, [&] { remove("a"); });
}

TEST_F(CatalogTest, RemovesOnlyTheNameOfAModelWithTwo) {
    const std::string manifest = manifest_of({weights(small_llama())});
    const Model model = record("a", manifest);
    record("b", manifest);
    const Catalog::Removed removed = remove("a");
    EXPECT_EQ(removed.freed_bytes, 0U);
    EXPECT_EQ(removed.shared_bytes, model.size_bytes);
    EXPECT_TRUE(find("b"));
    EXPECT_TRUE(blobs_.contains(model.files[0].digest));
}

TEST_F(CatalogTest, DropsTheOldBytesWhenATagMoves) {
    const Model before = record("tiny", small_llama("a", 1));
    const Model after = record("tiny", small_llama("b", 2));
    EXPECT_FALSE(blobs_.contains(before.files[0].digest));
    EXPECT_TRUE(blobs_.contains(after.files[0].digest));
    EXPECT_TRUE(std::filesystem::is_empty(dir_.path() / "tmp"));
}

TEST_F(CatalogTest, KeepsBytesThatALeaseHolds) {
    const Model model = record("tiny", small_llama());
    const Digest digest = model.files[0].digest;
    {
        BlobLease lease = catalog_.lease({digest});
        BlobLease second = catalog_.lease({digest});
        second = BlobLease();
        EXPECT_EQ(remove("tiny").freed_bytes, make_config().size());
        EXPECT_TRUE(blobs_.contains(digest));
        record("again", small_llama());
    }
    EXPECT_EQ(remove("again").freed_bytes, model.size_bytes);
    EXPECT_FALSE(blobs_.contains(digest));
}

TEST_F(CatalogTest, OpensTheFilesOfAModelThatIsThenRemoved) {
    const Model model = record("tiny", small_llama());
    const std::vector<OpenModelFile> files = run_coroutine(catalog_.open_files(model));
    ASSERT_EQ(files.size(), 1U);
    remove("tiny");
    EXPECT_EQ(sha256_of_file(files[0].fd.get()), model.files[0].digest);
}

TEST_F(CatalogTest, SaysThatAFileIsMissingOrShort) {
    const Model model = record("tiny", small_llama());
    const auto path = blobs_.path_of(model.files[0].digest);
    ::chmod(path.c_str(), 0644);
    std::filesystem::resize_file(path, 10);
    expect_error(ErrorCode::corrupt_blob, [&] { run_coroutine(catalog_.open_files(model)); });
    std::filesystem::remove(path);
    expect_error(ErrorCode::corrupt_blob, [&] { run_coroutine(catalog_.open_files(model)); });
}

TEST_F(CatalogTest, DescribesEveryKeyOfTheHeader) {
    const Model model = record("tiny", small_llama());
    const Json brief = run_coroutine(catalog_.describe(model, false));
    const Json& info = brief.at("model_info");
    EXPECT_EQ(info.at("llama.context_length"), 2048);
    EXPECT_EQ(info.at("general.parameter_count"), 56);
    EXPECT_EQ(info.at("llama.attention.layer_norm_rms_epsilon").dump(), "1e-05");
    EXPECT_EQ(info.at("tokenizer.ggml.tokens"), Json::array());
    EXPECT_FALSE(brief.contains("tensors"));
    EXPECT_FALSE(brief.contains("projector_info"));
    const Json full = run_coroutine(catalog_.describe(model, true));
    EXPECT_EQ(full.at("model_info").at("tokenizer.ggml.tokens").size(), 6U);
    EXPECT_EQ(full.at("tensors").at(0),
              Json({{"name", "token_embd.weight"}, {"type", "F32"}, {"shape", {8, 6}}}));
}

TEST_F(CatalogTest, GivesAManifestBackByteForByteAndNamesTheParent) {
    Layer layer = weights(small_llama());
    layer.annotations = {{annotation::source, "local/big:latest"}};
    const std::string manifest = manifest_of({layer});
    const Model model = record("tiny", manifest);
    EXPECT_EQ(run_coroutine(catalog_.manifest(model)), manifest);
    EXPECT_EQ(model.details.parent_model, "local/big:latest");
    remove("tiny");
    expect_error(ErrorCode::model_not_found, [&] { run_coroutine(catalog_.manifest(model)); });
}

TEST_F(CatalogTest, CountsWhatTheStoreHolds) {
    const Model model = record("tiny", small_llama());
    auto partial = blobs_.begin(sha256_of("hello"), 5);
    partial->append("hel");
    const Catalog::Usage usage = run_coroutine(catalog_.usage());
    EXPECT_EQ(usage.models, 1U);
    EXPECT_EQ(usage.blob_bytes, model.size_bytes);
    EXPECT_EQ(usage.partial_bytes, 3U);
}

} // namespace
} // namespace hearth::registry
