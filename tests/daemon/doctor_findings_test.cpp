#include "daemon/doctor_findings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::daemon {
namespace {

using protocol::FindingStatus;
using ::testing::HasSubstr;
using ::testing::StartsWith;

runtime::PluginManifest plugin(const std::string& name, std::vector<std::string> formats) {
    runtime::PluginManifest manifest;
    manifest.name = name;
    manifest.version = "1.0";
    manifest.abi = 1;
    manifest.formats = std::move(formats);
    return manifest;
}

TEST(DoctorFindings, NameTheBackendsThatAreThere) {
    const runtime::PluginScan scan{{plugin("echo", {}), plugin("llama", {"gguf"})}, {}};
    const auto findings = backend_findings(scan, "/data/plugins");
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].status, FindingStatus::ok);
    EXPECT_EQ(findings[0].text, "echo 1.0 (ABI 1), llama 1.0 (ABI 1)");
}

TEST(DoctorFindings, NameAnInstallationWithoutBackends) {
    EXPECT_EQ(backend_findings({}, "/data/plugins")[0].status, FindingStatus::fail);
    const runtime::PluginScan scan{{plugin("echo", {})}, {}};
    const Finding finding = backend_findings(scan, "/data/plugins")[0];
    EXPECT_EQ(finding.status, FindingStatus::fail);
    EXPECT_THAT(finding.text, HasSubstr("none of these runs model files: echo"));
    EXPECT_THAT(finding.fix, HasSubstr("/data/plugins"));
}

TEST(DoctorFindings, NameABackendOfAnOldAbiWithItsFix) {
    const runtime::PluginScan scan{
        {plugin("llama", {"gguf"})},
        {{"/p/old/backend-old.json", "it speaks plugin ABI 0", "rm -r /p/old   (and install …)"},
         {"/p/bad/backend-bad.json", "not JSON", ""}}};
    const auto findings = backend_findings(scan, "/data/plugins");
    ASSERT_EQ(findings.size(), 3u);
    EXPECT_EQ(findings[1].status, FindingStatus::fail);
    EXPECT_THAT(findings[1].fix, StartsWith("rm -r /p/old"));
    EXPECT_EQ(findings[2].fix, "rm -r /p/bad");
}

TEST(DoctorFindings, NameABackendThatDoesNotStart) {
    runtime::memory::MachineReport report;
    report.warnings = {"backend cuda: libcuda.so.1 is not there"};
    const Finding finding = devices_finding(report);
    EXPECT_EQ(finding.status, FindingStatus::fail);
    EXPECT_THAT(finding.text, HasSubstr("libcuda.so.1"));
    EXPECT_THAT(finding.fix, StartsWith("hearth service logs"));
}

TEST(DoctorFindings, NameAMachineWithoutMemoryForModels) {
    EXPECT_EQ(devices_finding({}).status, FindingStatus::warn);
    runtime::memory::MachineReport report;
    report.machine.host.free_bytes = 8'000'000'000;
    report.machine.host.total_bytes = 16'000'000'000;
    EXPECT_EQ(devices_finding(report).status, FindingStatus::ok);
    EXPECT_THAT(devices_finding(report).text, HasSubstr("8.0 GB for models on the CPU"));
}

TEST(DoctorFindings, NameADamagedIndexAndWhatMakesItAnew) {
    registry::Catalog::Health health;
    health.damage = {"Tree 4 page 12: btreeInitPage() returns error code 11"};
    const Finding finding = index_finding(health, "/data/index.db");
    EXPECT_EQ(finding.status, FindingStatus::fail);
    EXPECT_THAT(finding.text, HasSubstr("the index is damaged: Tree 4"));
    EXPECT_THAT(finding.fix, StartsWith("mv /data/index.db /data/index.db.damaged; hearth service restart"));
}

TEST(DoctorFindings, NameModelsWhoseFilesAreGone) {
    registry::Catalog::Health health;
    health.incomplete = {"small:latest", "large:q4"};
    const Finding finding = index_finding(health, "/data/index.db");
    EXPECT_EQ(finding.status, FindingStatus::fail);
    EXPECT_EQ(finding.fix, "hearth pull small:latest; hearth pull large:q4");
}

TEST(DoctorFindings, KeepTheLoginOfAProxyToThemselves) {
    EXPECT_EQ(without_login("http://me:se@cret@proxy:3128/"), "http://proxy:3128/");
    EXPECT_EQ(without_login("http://proxy:3128/a@b"), "http://proxy:3128/a@b");
    EXPECT_EQ(without_login("me:secret@proxy:3128"), "proxy:3128");
}

} // namespace
} // namespace hearth::daemon
