#include "plugins/abi/hearth_quantize.h"
#include "tests/plugins/llama_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace hearth::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Paths = std::vector<std::filesystem::path>;

const std::filesystem::path models = HEARTH_TEST_MODELS;
const Paths tiny = {models / "tiny.gguf"};
const Paths tiny_split = {models / "tiny-00001-of-00003.gguf", models / "tiny-00002-of-00003.gguf",
                          models / "tiny-00003-of-00003.gguf"};

/// A file in memory, to write into.
class Output {
  public:
    Output() : fd_(::memfd_create("quantized", MFD_CLOEXEC)) {}
    ~Output() { ::close(fd_); }
    Output(const Output&) = delete;

    int fd() const { return fd_; }
    std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(fd_); }
    std::string bytes() const {
        std::ifstream file(path(), std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

  private:
    int fd_;
};

class LlamaQuantize : public testing::Test {
  protected:
    LlamaHost& host = LlamaHost::instance();
    const hearth_quantize* table =
        static_cast<const hearth_quantize*>(host.backend().get_extension(HEARTH_QUANTIZE_EXTENSION));
    Output output;
    int stop_after = -1; ///< reports of progress until the host asks to stop
    std::vector<float> progress;

    void SetUp() override { ASSERT_NE(table, nullptr); }

    enum class Call { plan, run };
    Answer call(Call call, const Paths& files, const json& spec) {
        std::vector<hearth_file> open;
        for (const auto& path : files) {
            open.push_back({::open(path.c_str(), O_RDONLY | O_CLOEXEC), HEARTH_FILE_MODEL,
                            std::filesystem::file_size(path), static_cast<std::uint32_t>(open.size() + 1),
                            static_cast<std::uint32_t>(files.size())});
        }
        const std::string text = spec.dump();
        const hearth_quantize_spec wanted = {sizeof(hearth_quantize_spec),
                                             static_cast<std::uint32_t>(open.size()),
                                             open.data(),
                                             call == Call::run ? output.fd() : -1,
                                             0,
                                             {text.data(), text.size()}};
        Answer answer;
        const hearth_sink sink = {sizeof(hearth_sink), 0, &answer, [](void* context, hearth_str data) {
                                      static_cast<Answer*>(context)->events.emplace_back(data.ptr, data.len);
                                      return 0;
                                  }};
        const hearth_progress relay = {sizeof(hearth_progress), 0, this,
                                       [](void* context, const char*, float fraction) {
                                           auto* self = static_cast<LlamaQuantize*>(context);
                                           self->progress.push_back(fraction);
                                           const int count = static_cast<int>(self->progress.size());
                                           return self->stop_after >= 0 && count > self->stop_after ? 1 : 0;
                                       }};
        hearth_error error{};
        error.struct_size = sizeof(error);
        answer.status = call == Call::run ? table->run(&wanted, &relay, &sink, &error)
                                          : table->plan(&wanted, &sink, &error);
        answer.message = error.message;
        for (const hearth_file& file : open) {
            ::close(file.fd);
        }
        return answer;
    }
    Answer plan(const Paths& files, const std::string& type) {
        return call(Call::plan, files, {{"type", type}});
    }
    Answer run(const Paths& files, const std::string& type) {
        return call(Call::run, files, {{"type", type}, {"threads", 1}});
    }
};

TEST_F(LlamaQuantize, WritesExactlyTheBytesThatThePlanSays) {
    for (const char* type : {"F16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_0"}) {
        const Answer planned = plan(tiny, type);
        ASSERT_EQ(planned.status, HEARTH_OK) << planned.message;
        EXPECT_EQ(::ftruncate(output.fd(), 0), 0);
        const Answer made = run(tiny, type);
        ASSERT_EQ(made.status, HEARTH_OK) << type << ": " << made.message;
        EXPECT_EQ(made.last(), planned.last());
        EXPECT_EQ(planned.last()["output_bytes"], output.bytes().size()) << type;
        EXPECT_EQ(planned.last()["input_bytes"], std::filesystem::file_size(tiny[0]));
    }
}

TEST_F(LlamaQuantize, MakesAModelThatLoadsAndAnswers) {
    ASSERT_EQ(run(tiny, "q4_k").status, HEARTH_OK) << "an alias, in lower case";
    EXPECT_EQ(output.bytes().substr(0, 4), "GGUF");
    hearth_model* model = nullptr;
    const Answer loaded = host.load({output.path()}, {{"context", 256}, {"threads", 1}}, &model);
    ASSERT_EQ(loaded.status, HEARTH_OK) << loaded.message;
    const Answer answer = host.ask(model, "complete", {{"prompt", "ba"}, {"n_predict", 4}});
    EXPECT_EQ(answer.last()["tokens_predicted"], 4);
    host.backend().unload(model);
}

TEST_F(LlamaQuantize, SaysWhichPartIsInWhichType) {
    const json plan_event = plan(tiny, "Q8_0").last();
    std::uint64_t elements = 0;
    for (const json& group : plan_event["tensors"]) {
        elements += group["elements"].get<std::uint64_t>();
    }
    EXPECT_EQ(plan_event["elements"], elements);
    EXPECT_EQ(plan_event["tensors"][0]["type"], "Q8_0");
    EXPECT_EQ(plan_event["tensors"][1]["type"], "F32") << "norms stay as they are";
}

TEST_F(LlamaQuantize, MakesTheSameOfASplitModel) {
    ASSERT_EQ(run(tiny, "Q6_K").status, HEARTH_OK);
    const std::string whole = output.bytes();
    ASSERT_EQ(::ftruncate(output.fd(), 0), 0);
    const Answer answer = run(tiny_split, "Q6_K");
    ASSERT_EQ(answer.status, HEARTH_OK) << answer.message;
    EXPECT_TRUE(output.bytes() == whole);
}

TEST_F(LlamaQuantize, GoesOnFromQ8ButFromNothingSmaller) {
    ASSERT_EQ(run(tiny, "Q8_0").status, HEARTH_OK);
    const Answer next = plan({output.path()}, "Q4_0");
    EXPECT_EQ(next.status, HEARTH_OK) << next.message;
    ASSERT_EQ(::ftruncate(output.fd(), 0), 0);
    ASSERT_EQ(run(tiny, "Q4_0").status, HEARTH_OK);
    const Answer again = plan({output.path()}, "Q2_K");
    EXPECT_EQ(again.status, HEARTH_E_UNSUPPORTED);
    EXPECT_THAT(again.message, HasSubstr("quantized already"));
    EXPECT_THAT(again.message, HasSubstr("Q4_0"));
}

TEST_F(LlamaQuantize, RefusesTypesWithTheReason) {
    const Answer unknown = plan(tiny, "Q4_K_X");
    EXPECT_EQ(unknown.status, HEARTH_E_INVALID);
    EXPECT_THAT(unknown.message, HasSubstr("Q4_K_M"));
    for (const char* type : {"IQ1_S", "iq2_xxs", "IQ3_XXS", "Q2_K_S"}) {
        const Answer refused = plan(tiny, type);
        EXPECT_EQ(refused.status, HEARTH_E_UNSUPPORTED) << type;
        EXPECT_THAT(refused.message, HasSubstr("importance matrix")) << type;
    }
    ASSERT_EQ(run(tiny, "Q8_0").status, HEARTH_OK);
    const Answer larger = plan({output.path()}, "F16");
    EXPECT_EQ(larger.status, HEARTH_E_INVALID);
    EXPECT_THAT(larger.message, HasSubstr("would not be smaller"));
}

TEST_F(LlamaQuantize, RefusesFilesThatAreNoModel) {
    const Answer missing = plan({tiny_split[0], tiny_split[2]}, "Q8_0");
    EXPECT_NE(missing.status, HEARTH_OK);
    EXPECT_FALSE(missing.message.empty());
    std::ofstream(output.path()) << "no model at all";
    const Answer text = plan({output.path()}, "Q8_0");
    EXPECT_EQ(text.status, HEARTH_E_FORMAT);
    EXPECT_THAT(text.message, testing::Not(HasSubstr("/proc")));
}

TEST_F(LlamaQuantize, WritesOnlyIntoAnEmptyFile) {
    std::ofstream(output.path()) << "something";
    EXPECT_EQ(run(tiny, "Q8_0").status, HEARTH_E_INVALID);
    EXPECT_EQ(output.bytes(), "something");
}

TEST_F(LlamaQuantize, StopsWhenTheHostWantsIt) {
    stop_after = 0;
    const Answer answer = run(tiny, "Q4_K_M");
    EXPECT_EQ(answer.status, HEARTH_E_CANCELLED) << answer.message;
    EXPECT_TRUE(answer.events.empty());
}

TEST_F(LlamaQuantize, ReportsFromZeroToOne) {
    ASSERT_EQ(run(tiny, "Q4_K_M").status, HEARTH_OK);
    ASSERT_GE(progress.size(), 2u);
    EXPECT_EQ(progress.front(), 0.0F);
    EXPECT_EQ(progress.back(), 1.0F);
    EXPECT_TRUE(std::ranges::is_sorted(progress));
}

TEST_F(LlamaQuantize, ListsItsTypes) {
    Answer answer;
    const hearth_sink sink = {sizeof(hearth_sink), 0, &answer, [](void* context, hearth_str data) {
                                  static_cast<Answer*>(context)->events.emplace_back(data.ptr, data.len);
                                  return 0;
                              }};
    ASSERT_EQ(table->types(&sink, nullptr), HEARTH_OK);
    for (const json& type : answer.last()["types"]) {
        EXPECT_NE(plan(tiny, type["name"]).status, HEARTH_E_UNSUPPORTED) << type;
    }
    EXPECT_FALSE(answer.last()["refused"].empty());
}

} // namespace
} // namespace hearth::test
