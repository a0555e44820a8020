#include "runtime/memory/quality_data.hpp"
#include "tests/runtime/memory/known_models.hpp"

#include <gmock/gmock.h>

namespace hearth::tests {
namespace {

using namespace runtime::memory;

/// A model of 8 billion parameters with that many bits for each.
registry::ModelShape shape_with_bits(double bits) {
    registry::ModelShape shape;
    shape.parameters = 8'000'000'000;
    shape.input_bytes = static_cast<std::uint64_t>(bits * 1e9);
    return shape;
}

TEST(Quality, IsThePublishedFigureForAPublishedName) {
    const Quality quality = quality_of(shape_with_bits(4.9), "Q4_K_M");
    EXPECT_DOUBLE_EQ(quality.kld, 0.0282);
    EXPECT_DOUBLE_EQ(quality.perplexity_increase.value(), 0.151);
    EXPECT_TRUE(quality.imatrix);
    EXPECT_FALSE(quality.interpolated);
    EXPECT_EQ(quality.grade, "good");
}

TEST(Quality, KnowsANameInAnyCase) {
    EXPECT_DOUBLE_EQ(quality_of(shape_with_bits(8.5), "q8_0").kld, 0.0014);
}

TEST(Quality, IsGradedFromNearLosslessToPoor) {
    const auto grade = [](const char* quant) { return quality_of(shape_with_bits(4), quant).grade; };
    EXPECT_EQ(grade("F16"), "near lossless");
    EXPECT_EQ(grade("Q6_K"), "near lossless");
    EXPECT_EQ(grade("Q5_K_M"), "very good");
    EXPECT_EQ(grade("IQ4_XS"), "good");
    EXPECT_EQ(grade("IQ3_M"), "fair");
    EXPECT_EQ(grade("Q2_K"), "poor");
}

TEST(Quality, MarksWhatASmallerOneBeats) {
    for (const char* quant : {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q3_K_S", "Q2_K"}) {
        EXPECT_TRUE(quality_of(shape_with_bits(4), quant).dominated) << quant;
    }
    EXPECT_FALSE(quality_of(shape_with_bits(4), "IQ3_M").dominated);
}

TEST(Quality, LiesBetweenItsNeighboursForAMixThatNobodyMeasured) {
    const Quality quality = quality_of(shape_with_bits(5.1), "UD-Q4_K_XL");
    EXPECT_TRUE(quality.interpolated);
    EXPECT_GT(quality.kld, 0.0166) << "Q5_K_S has 5.57 bits";
    EXPECT_LT(quality.kld, 0.0282) << "Q4_K_M has 4.89 bits";
    EXPECT_FALSE(quality.perplexity_increase);
}

TEST(Quality, IsInterpolatedWithinItsFamily) {
    const Quality quality = quality_of(shape_with_bits(3.4), "UD-IQ3_XXS");
    EXPECT_GT(quality.kld, 0.1387);
    EXPECT_LT(quality.kld, 0.1836);
}

TEST(Quality, GoesOnWithTheOtherFamilyBeyondTheEndsOfItsOwn) {
    const double two_bits = quality_of(shape_with_bits(2.9), "UD-Q2_K_XL").kld;
    EXPECT_GT(two_bits, 0.3) << "IQ2_M has 2.93 bits";
    EXPECT_LT(two_bits, 0.4);
    EXPECT_GT(quality_of(shape_with_bits(1.6), "TQ1_0").kld, 2.25) << "fewer bits than IQ1_S";
    EXPECT_LT(quality_of(shape_with_bits(5.7), "UD-IQ5_X").kld, 0.012) << "Q5_K_M has as many";
}

TEST(Quality, IsNotLostByTheFormatThatTheMakerPublished) {
    registry::ModelShape shape = shape_with_bits(4.6);
    shape.architecture = "gpt-oss";
    EXPECT_EQ(quality_of(shape, "MXFP4").kld, 0);
    shape.architecture = "qwen3moe";
    EXPECT_GT(quality_of(shape, "MXFP4").kld, 0.01) << "made from BF16 by somebody else";
}

TEST(QualityData, StatesItsSourceAndIsOrdered) {
    const QualityData& data = quality_data();
    EXPECT_THAT(data.source, ::testing::HasSubstr("llama.cpp"));
    EXPECT_NE(data.find(data.sweet_quant), nullptr);
    EXPECT_TRUE(std::ranges::is_sorted(data.quants, {}, &PublishedQuality::kld));
    EXPECT_TRUE(std::ranges::is_sorted(data.grades, {}, &QualityData::Grade::kld));
}

TEST(QualityData, MarksExactlyWhatItsOwnFiguresBeat) {
    const std::vector<PublishedQuality>& quants = quality_data().quants;
    for (const PublishedQuality& one : quants) {
        const bool beaten = std::ranges::any_of(quants, [&](const PublishedQuality& other) {
            return other.bits_per_weight <= one.bits_per_weight && other.kld < one.kld;
        });
        EXPECT_EQ(one.dominated, beaten) << one.quant;
    }
}

TEST(QualityData, LowersTheFloorForLargeModels) {
    EXPECT_LT(quality_data().floor(8'000'000'000), quality_data().floor(30'000'000'000));
}

} // namespace
} // namespace hearth::tests
