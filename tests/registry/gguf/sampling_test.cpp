#include "registry/gguf/sampling.hpp"

#include "registry/gguf/byte_source.hpp"
#include "tests/support/gguf_writer.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace hearth::registry::gguf {
namespace {

using testing::GgufWriter;

std::string recommended(const GgufWriter& gguf) {
    return recommended_options(parse_header(PrefixSource(gguf.bytes())));
}

GgufWriter llama() {
    return GgufWriter().text("general.architecture", "llama");
}

TEST(GgufSampling, IsEmptyWhereTheFileSaysNothing) {
    EXPECT_EQ(recommended(llama()), "");
}

TEST(GgufSampling, TakesEveryKeyByItsNameInTheOptions) {
    EXPECT_EQ(
        recommended(llama()
                        .f32("general.sampling.temp", 0.6F)
                        .i32("general.sampling.top_k", 20)
                        .f32("general.sampling.top_p", 0.95F)
                        .f32("general.sampling.min_p", 0)
                        .i32("general.sampling.penalty_last_n", 64)
                        .f32("general.sampling.penalty_repeat", 1.05F)),
        R"({"min_p":0.0,"repeat_last_n":64,"repeat_penalty":1.05,"temperature":0.6,"top_k":20,"top_p":0.95})");
}

TEST(GgufSampling, LeavesOutWhatARequestCouldNotSay) {
    EXPECT_EQ(recommended(llama()
                              .f32("general.sampling.temp", -1)
                              .f32("general.sampling.top_k", 40.5F)
                              .f32("general.sampling.top_p", 1.5F)
                              .f32("general.sampling.min_p", 2)
                              .i32("general.sampling.penalty_last_n", -2)
                              .f32("general.sampling.penalty_repeat", 1000)),
              "");
}

TEST(GgufSampling, LeavesOutWhatIsNoNumber) {
    EXPECT_EQ(recommended(llama()
                              .text("general.sampling.temp", "hot")
                              .f32("general.sampling.top_p", std::numeric_limits<float>::quiet_NaN())
                              .f32("general.sampling.min_p", std::numeric_limits<float>::infinity())
                              .boolean("general.sampling.top_k", true)),
              "");
}

} // namespace
} // namespace hearth::registry::gguf
