#include "tests/cli/hearth_process.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace hearth::testing {
namespace {

using ::testing::HasSubstr;

class ModelsProgram : public HearthProgramTest {
  protected:
    const std::string tags_ =
        R"({"models":[{"name":"a:latest","model":"a:latest","modified_at":"2023-11-14T22:13:20.5Z",)"
        R"("size":4100000000,"digest":"0123456789abcdef0123","details":{}}]})";
    const std::string loaded_ =
        R"({"models":[{"name":"a:latest","size":1000,"size_vram":250,"digest":"sha256:0123456789abcdef",)"
        R"("context_length":4096,"expires_at":"2318-01-01T00:00:00Z","active_requests":3,"waiting_requests":1,)"
        R"("devices":[{"id":"cpu","bytes":250},{"id":"gpu0","bytes":750}],"users":[{"app":"/usr/bin/editor","requests":2},)"
        R"({"app":"open-webui","requests":1}],"reason":"asked for by open-webui","state":"ready"}]})";
};

TEST_F(ModelsProgram, ListPrintsTabsWhenItIsPiped) {
    service_->on("GET /api/tags", 200, tags_);
    const ProgramResult result = hearth({"list"});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.out,
              "NAME\tID\tSIZE\tMODIFIED\na:latest\t0123456789ab\t4100000000\t2023-11-14T22:13:20.5Z\n");
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(hearth({"ls", "-q"}).out, "a:latest\n");
}

TEST_F(ModelsProgram, ListPrintsTheServicesObjectsAsJson) {
    service_->on("GET /api/tags", 200, tags_);
    EXPECT_EQ(hearth_json({"list"}).at(0)["models"], Json::parse(tags_)["models"]);
}

TEST_F(ModelsProgram, SearchAsksTheServiceAndPrintsFullNames) {
    service_->on("GET /hearth/v1/search?q=small%20qwen", 200,
                 R"({"models":[{"name":"qwen3:0.6b","full_name":"registry.ollama.ai/library/qwen3:0.6b",)"
                 R"("title":"Qwen3 0.6B","parameters":"752M","license":"Apache-2.0","installed":true}]})");
    EXPECT_THAT(
        hearth({"search", "small", "qwen"}).out,
        HasSubstr("qwen3:0.6b\tQwen3 0.6B\t752M\tApache-2.0\tyes\tregistry.ollama.ai/library/qwen3:0.6b\n"));
    EXPECT_EQ(hearth({"search", "small", "qwen", "-q"}).out, "qwen3:0.6b\n");
    EXPECT_EQ(hearth_json({"search", "small", "qwen"})[0]["models"][0]["license"], "Apache-2.0");
}

TEST_F(ModelsProgram, PsSaysWhereWhoUntilWhenAndWhy) {
    service_->on("GET /api/ps", 200, loaded_);
    EXPECT_EQ(
        hearth({"ps"}).out,
        "NAME\tMEMORY\tCONTEXT\tUNTIL\tUSED BY\tWHY\n"
        "a:latest\t750 gpu0, 250 cpu\t4096\t2318-01-01T00:00:00Z\t/usr/bin/editor x2, open-webui, 1 waiting"
        "\tasked for by open-webui\n");
    EXPECT_EQ(hearth_json({"ps"}).at(0)["models"], Json::parse(loaded_)["models"]);
}

TEST_F(ModelsProgram, PsOfAServiceThatSaysLittleIsShort) {
    service_->on("GET /api/ps", 200, R"({"models":[{"name":"a:latest","size":1000}]})");
    EXPECT_EQ(hearth({"ps"}).out,
              "NAME\tMEMORY\tCONTEXT\tUNTIL\tUSED BY\tWHY\na:latest\t1000\t0\t\tnobody\t\n");
}

TEST_F(ModelsProgram, ShowSummarizesAModel) {
    service_->on(
        "POST /api/show", 200,
        R"({"license":"MIT License\nCopyright","template":"{{ .Prompt }}","system":"Be short.","parameters":"stop \"x\"",)"
        R"("details":{"format":"gguf","family":"llama","parameter_size":"1.1B","quantization_level":"Q4_K_M"},)"
        R"("model_info":{"general.architecture":"llama","llama.context_length":2048},"capabilities":["completion","tools"]})");
    const std::string text = hearth({"show", "a"}).out;
    for (const char* part : {"architecture      llama\n", "parameters        1.1B\n",
                             "context length    2048\n", "quantization      Q4_K_M\n",
                             "chat template     yes\n", "  completion\n  tools\n", "  MIT License\n"}) {
        EXPECT_THAT(text, HasSubstr(part));
    }
    EXPECT_THAT(text, ::testing::Not(HasSubstr("Copyright")));
    EXPECT_EQ(service_->last_body("POST /api/show"), R"({"model":"a"})");
    EXPECT_EQ(hearth({"show", "a", "--license"}).out, "MIT License\nCopyright\n");
    EXPECT_EQ(hearth({"show", "a", "--template"}).out, "{{ .Prompt }}\n");
    EXPECT_THAT(hearth({"show", "a", "--verbose"}).out, HasSubstr("llama.context_length"));
    EXPECT_EQ(hearth_json({"show", "a"}).at(0)["details"]["family"], "llama");
}

TEST_F(ModelsProgram, AnUnknownModelIsExitCodeThree) {
    service_->on("POST /api/show", 404,
                 R"({"error":"model 'a' not found","code":"model.not_found","hint":"hearth pull a"})");
    const ProgramResult result = hearth({"show", "a"});
    EXPECT_EQ(result.exit_code, 3);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err, "error: model 'a' not found\nhint: hearth pull a\n");
}

TEST_F(ModelsProgram, AnErrorIsJsonOnStderrWhenJsonIsAskedFor) {
    service_->on("POST /api/show", 507, R"({"error":"too big","code":"memory.insufficient"})");
    const ProgramResult result = hearth({"show", "a", "--json"});
    EXPECT_EQ(result.exit_code, 4);
    EXPECT_EQ(result.out, "");
    const Json error = Json::parse(result.err);
    EXPECT_EQ(error["version"], 1);
    EXPECT_EQ(error["code"], "memory.insufficient");
    EXPECT_EQ(error["error"], "too big");
}

TEST_F(ModelsProgram, RmSaysWhatItFreed) {
    service_->on("DELETE /api/delete", 200, R"({"freed_bytes":4100000000,"shared_bytes":1000})");
    const ProgramResult result = hearth({"rm", "a", "b"});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.out, "removed a, 4.1 GB freed (1.0 KB are used by other models and stay)\n"
                          "removed b, 4.1 GB freed (1.0 KB are used by other models and stay)\n");
    EXPECT_EQ(hearth_json({"rm", "a"}).at(0)["freed_bytes"], 4100000000);
    service_->on("DELETE /api/delete", 200, "");
    EXPECT_EQ(hearth({"rm", "a"}).exit_code, 0);
}

TEST_F(ModelsProgram, StopSaysWhetherTheModelWasLoaded) {
    service_->on("POST /hearth/v1/unload", 200, R"({"unloaded":true})");
    EXPECT_EQ(hearth({"stop", "a"}).out, "stopped a\n");
    EXPECT_EQ(service_->last_body("POST /hearth/v1/unload"), R"({"model":"a"})");
    EXPECT_EQ(hearth_json({"stop", "a"}).at(0)["stopped"], "a");
    service_->on("POST /hearth/v1/unload", 200, R"({"unloaded":false})");
    EXPECT_EQ(hearth({"stop", "a"}).out, "not loaded: a\n");
}

TEST_F(ModelsProgram, LoadWaitsForTheService) {
    service_->on_lines("POST /hearth/v1/load", {R"({"status":"loading","stage":"weights","fraction":0.5})",
                                                R"({"status":"success","context":512})"});
    const ProgramResult result = hearth({"load", "a", "--keep-alive", "1h", "--ctx", "512"});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(result.out, "loaded a\n");
    EXPECT_EQ(result.err, "");
    EXPECT_EQ(service_->last_body("POST /hearth/v1/load"),
              R"({"context":512,"keep_alive":"1h","model":"a","stream":true})");
    EXPECT_EQ(hearth_json({"load", "a"}).size(), 2u);
    service_->on_lines("POST /hearth/v1/load",
                       {R"({"status":"waiting","ahead":1,"reason":"b is busy"})", R"({"status":"success"})"});
    EXPECT_EQ(hearth({"load", "a"}).err, "waiting: 1 ahead, b is busy\n");
    EXPECT_EQ(hearth({"load", "a", "-q"}).err, "");
    service_->on_lines("POST /hearth/v1/load", {R"({"error":"too big","code":"memory.insufficient"})"});
    EXPECT_EQ(hearth({"load", "a"}).exit_code, 4);
}

TEST_F(ModelsProgram, AFullDiskUnderStdoutIsAFailure) {
    service_->on("GET /api/tags", 200, tags_);
    const ProgramResult result =
        HearthProcess("/bin/sh", {"-c", program_ + " list > /dev/full"}, environment_, "").finish();
    EXPECT_EQ(result.exit_code, 4);
    EXPECT_THAT(result.err, HasSubstr("No space left on device"));
}

} // namespace
} // namespace hearth::testing
