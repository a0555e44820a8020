#include "registry/pull/hub_groups.hpp"

#include "tests/base/expect_error.hpp"

#include <gmock/gmock.h>

namespace hearth::registry::testing {
namespace {

using hearth::testing::expect_error;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<HubFile> files_named(const std::vector<std::string>& names) {
    std::vector<HubFile> files;
    for (const std::string& name : names) { // sizes in the order of the names
        files.push_back({name, 1000 + files.size(), std::nullopt});
    }
    return files;
}

std::vector<std::string> tags_of(const std::vector<std::string>& names) {
    std::vector<std::string> tags;
    for (const PublishedQuant& quant : group_files(files_named(names)).quants) {
        tags.push_back(quant.tag);
    }
    return tags;
}

std::vector<std::string> names_in(const PublishedQuant& quant) {
    std::vector<std::string> names;
    for (const PublishedFile& file : quant.files) {
        names.push_back(file.name);
    }
    return names;
}

PublishedModel model_of(const std::vector<std::string>& names) {
    HubGroups groups = group_files(files_named(names));
    PublishedModel model;
    model.ref = ModelRef::parse("hf.co/org/repo");
    model.quants = std::move(groups.quants);
    model.incomplete = std::move(groups.incomplete);
    return model;
}

TEST(QuantOfName, ReadsTheNamesThatPublishersUse) {
    EXPECT_EQ(quant_of_name("Llama-3.2-3B-Instruct-Q4_K_M.gguf"), "Q4_K_M");
    EXPECT_EQ(quant_of_name("qwen2.5-7b-instruct-q4_k_m-00001-of-00002.gguf"), "Q4_K_M");
    EXPECT_EQ(quant_of_name("Meta-Llama-3-8B.Q5_K_S.gguf"), "Q5_K_S");
    EXPECT_EQ(quant_of_name("Qwen3-8B-UD-Q4_K_XL.gguf"), "UD-Q4_K_XL");
    EXPECT_EQ(quant_of_name("Model.i1-IQ2_XXS.gguf"), "i1-IQ2_XXS");
    EXPECT_EQ(quant_of_name("Phi-3-mini-4k-instruct-fp16.gguf"), "F16");
    EXPECT_EQ(quant_of_name("m-BF16.GGUF"), "BF16");
    EXPECT_EQ(quant_of_name("gpt-oss-20b-mxfp4.gguf"), "MXFP4");
    EXPECT_EQ(quant_of_name("bitnet-TQ1_0.gguf"), "TQ1_0");
    EXPECT_EQ(quant_of_name("model_q8_0.gguf"), "Q8_0");
    EXPECT_EQ(quant_of_name("Q6_K/whatever-00003-of-00004.gguf"), "Q6_K");
    EXPECT_EQ(quant_of_name("UD-Q2_K_XL/DeepSeek-00001-of-00005.gguf"), "UD-Q2_K_XL");
    EXPECT_EQ(quant_of_name("stories260K.gguf"), "");
    EXPECT_EQ(quant_of_name("Qwen3-0.6B.gguf"), "");
}

TEST(HubGroups, OneFileIsOneQuantSmallestFirst) {
    const HubGroups groups = group_files({{"m-Q8_0.gguf", 900, std::nullopt},
                                          {"m-Q4_K_M.gguf", 500, std::nullopt},
                                          {"m-F16.gguf", 1800, std::nullopt}});
    ASSERT_EQ(groups.quants.size(), 3U);
    EXPECT_EQ(groups.quants[0].tag, "Q4_K_M");
    EXPECT_EQ(groups.quants[0].size_bytes, 500U);
    EXPECT_EQ(groups.quants[2].quant, "F16");
}

TEST(HubGroups, ShardsAreOneQuantInOrder) {
    const HubGroups groups =
        group_files(files_named({"Q8_0/m-Q8_0-00002-of-00003.gguf", "Q8_0/m-Q8_0-00003-of-00003.gguf",
                                 "Q8_0/m-Q8_0-00001-of-00003.gguf"}));
    ASSERT_EQ(groups.quants.size(), 1U);
    EXPECT_THAT(names_in(groups.quants[0]),
                ElementsAre("Q8_0/m-Q8_0-00001-of-00003.gguf", "Q8_0/m-Q8_0-00002-of-00003.gguf",
                            "Q8_0/m-Q8_0-00003-of-00003.gguf"));
    EXPECT_EQ(groups.quants[0].files[2].shard, 3);
    EXPECT_EQ(groups.quants[0].files[0].of, 3);
    EXPECT_EQ(groups.quants[0].size_bytes, 3003U);
}

TEST(HubGroups, AMissingPartMakesAQuantIncomplete) {
    const HubGroups groups =
        group_files(files_named({"m-Q8_0-00001-of-00003.gguf", "m-Q8_0-00003-of-00003.gguf", "m-Q4_0.gguf"}));
    EXPECT_EQ(groups.quants.size(), 1U);
    EXPECT_THAT(groups.incomplete, ElementsAre("Q8_0 (2 of 3 parts)"));
}

TEST(HubGroups, SidecarsAreNoModels) {
    EXPECT_THAT(tags_of({"m-Q4_0.gguf", "m.imatrix.gguf", "mtp-m-Q4_0.gguf", "eagle3-m-Q8_0.gguf",
                         "m-F16-LoRA.gguf", "ggml-vocab-bert.gguf", "draft-m-Q4_0.gguf"}),
                ElementsAre("Q4_0"));
}

TEST(HubGroups, EachQuantGetsTheNearestProjectorF16First) {
    const HubGroups groups =
        group_files(files_named({"m-Q4_0.gguf", "mmproj-m-f32.gguf", "mmproj-m-BF16.gguf",
                                 "mmproj-m-F16.gguf", "big/m-Q8_0.gguf", "big/m-mmproj-Q8_0.gguf"}));
    ASSERT_EQ(groups.quants.size(), 2U);
    EXPECT_THAT(names_in(groups.quants[0]), ElementsAre("m-Q4_0.gguf", "mmproj-m-F16.gguf"));
    EXPECT_EQ(groups.quants[0].files[1].role, FileRole::projector);
    EXPECT_EQ(groups.quants[0].weight_bytes(), 1000U);
    EXPECT_THAT(names_in(groups.quants[1]), ElementsAre("big/m-Q8_0.gguf", "big/m-mmproj-Q8_0.gguf"));
}

TEST(HubGroups, TagsAreUniqueWithoutCase) {
    EXPECT_THAT(tags_of({"other-q4_0.gguf", "b-Q4_0.gguf", "x/b-Q4_0.gguf", "y/b-Q4_0.gguf", "plain.gguf"}),
                UnorderedElementsAre("Q4_0", "other-q4_0", "b-Q4_0", "y-b-Q4_0", "plain"));
    EXPECT_THAT(tags_of({"-odd name-.gguf", "latest.gguf"}), UnorderedElementsAre("_-odd-name-", "latest-2"));
}

TEST(HubGroups, AWholeFileGoesBeforeAnIncompleteSplitOne) {
    const HubGroups groups =
        group_files(files_named({"m-Q4_0-00001-of-00002.gguf", "deep/down/m-Q4_0.gguf"}));
    ASSERT_EQ(groups.quants.size(), 1U);
    EXPECT_EQ(groups.quants[0].tag, "Q4_0");
}

TEST(PublishedModel, FindsAQuantByTagTypeOrFile) {
    const PublishedModel model =
        model_of({"m-UD-Q4_K_XL.gguf", "m-fp16.gguf", "m-Q8_0-00001-of-00001.gguf", "stories.gguf"});
    EXPECT_EQ(model.get("ud-q4_k_xl").tag, "UD-Q4_K_XL");
    EXPECT_EQ(model.get("q4_k_xl").tag, "UD-Q4_K_XL");
    EXPECT_EQ(model.get("FP16").tag, "F16");
    EXPECT_EQ(model.get("f16").tag, "F16");
    EXPECT_EQ(model.get("m-Q8_0-00001-of-00001.gguf").tag, "Q8_0");
    EXPECT_EQ(model.get("Stories.GGUF").tag, "stories");
    EXPECT_EQ(model.find("Q4_K_M"), nullptr);
    EXPECT_EQ(model.find("other-Q8_0"), nullptr) << "a name of another file";
}

TEST(PublishedModel, APrefixMustBeSaidWhenTwoDifferInIt) {
    const PublishedModel model = model_of({"m-UD-Q4_K_M.gguf", "m.i1-Q4_K_M.gguf"});
    EXPECT_EQ(model.find("Q4_K_M"), nullptr);
    EXPECT_EQ(model_of({"m-UD-Q4_K_M.gguf", "m-Q4_K_M.gguf"}).get("Q4_K_M").tag, "Q4_K_M");
}

TEST(PublishedModel, AnUnknownQuantIsRefusedWithWhatThereIs) {
    const PublishedModel model = model_of({"m-Q4_0.gguf", "m-Q8_0.gguf", "m-F16-00001-of-00002.gguf"});
    try {
        model.get("Q5_K_M");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::model_not_found);
        EXPECT_EQ(error.hint(), "there are Q4_0 (1.0 KB), Q8_0 (1.0 KB); incomplete: F16 (1 of 2 parts)");
    }
}

TEST(DefaultQuant, IsQ4KMThenQ8ThenTheFirstByName) {
    EXPECT_EQ(default_quant(model_of({"m-Q8_0.gguf", "m-Q4_K_M.gguf", "m-Q2_K.gguf"})).tag, "Q4_K_M");
    EXPECT_EQ(default_quant(model_of({"m-Q8_0.gguf", "m-Q2_K.gguf"})).tag, "Q8_0");
    EXPECT_EQ(default_quant(model_of({"m-Q6_K.gguf", "m-IQ4_XS.gguf"})).tag, "IQ4_XS");
    EXPECT_EQ(default_quant(model_of({"b.gguf", "A.gguf"})).tag, "A");
}

} // namespace
} // namespace hearth::registry::testing
