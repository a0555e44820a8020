/// What is remembered of variants that were found wrong, and what makes it forgotten.
#include "runtime/runner/variant_record.hpp"

#include "tests/base/temporary_dir.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace hearth::runtime {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class VariantRecordTest : public ::testing::Test {
  protected:
    VariantRecordTest() {
        fs::create_directories(dir_.path() / "proc");
        fs::create_directories(dir_.path() / "llama");
        be_processor("flags : fpu avx2");
        write("llama/hearth-llama.so", "engine");
        llama_.name = "llama";
        llama_.library = dir_.path() / "llama/hearth-llama.so";
        record().keep(llama_, {bad_});
    }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(dir_.path() / name) << text;
    }
    void be_processor(const std::string& line) const {
        write("proc/cpuinfo", "processor : 0\ncpu MHz : 2000\n" + line + "\n\nprocessor : 1\n");
    }
    VariantRecord record() const { return VariantRecord(dir_.path() / "variants.json", dir_.path()); }

    testing::TemporaryDir dir_;
    PluginManifest llama_;
    SetAside bad_{"sapphirerapids", "it crashed", "2026-11-27T09:00:00Z"};
};

TEST_F(VariantRecordTest, RemembersWhatWasSetAside) {
    EXPECT_THAT(record().set_aside(llama_), ElementsAre(bad_));
}

TEST_F(VariantRecordTest, KnowsNothingOfOtherBackends) {
    PluginManifest other = llama_;
    other.name = "other";
    EXPECT_THAT(record().set_aside(other), IsEmpty());
}

TEST_F(VariantRecordTest, ForgetsWhenTheBackendIsInstalledAgain) {
    write("llama/hearth-llama.so", "another engine");
    EXPECT_THAT(record().set_aside(llama_), IsEmpty());
}

TEST_F(VariantRecordTest, ForgetsWhenALibraryBesideItChanges) {
    write("llama/libggml-cpu-sapphirerapids.so", "mended");
    EXPECT_THAT(record().set_aside(llama_), IsEmpty());
}

TEST_F(VariantRecordTest, ForgetsOnAnotherProcessor) {
    be_processor("flags : fpu avx2 avx512f");
    EXPECT_THAT(record().set_aside(llama_), IsEmpty());
}

TEST_F(VariantRecordTest, DoesNotMindThatTheProcessorRunsFaster) {
    write("proc/cpuinfo", "processor : 0\ncpu MHz : 3141\nflags : fpu avx2\n\nprocessor : 1\n");
    EXPECT_THAT(record().set_aside(llama_), ElementsAre(bad_));
}

TEST_F(VariantRecordTest, KeepsTheNewestOfABackend) {
    const SetAside second{"haswell", "a probability is off", "2026-11-27T10:00:00Z"};
    record().keep(llama_, {bad_, second});
    EXPECT_THAT(record().set_aside(llama_), ElementsAre(bad_, second));
    record().keep(llama_, {});
    EXPECT_THAT(record().set_aside(llama_), IsEmpty());
}

TEST_F(VariantRecordTest, TakesADamagedFileForAnEmptyOne) {
    for (const char* text : {"", "{", "[1]", R"({"format":1,"processor":7})",
                             R"({"format":1,"processor":"x","backends":{"llama x":[3]}})"}) {
        write("variants.json", text);
        EXPECT_THAT(record().set_aside(llama_), IsEmpty()) << text;
    }
}

} // namespace
} // namespace hearth::runtime
