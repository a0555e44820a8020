#include "cli/doctor/checks.hpp"
#include "tests/cli/fake_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::cli::doctor {
namespace {

using protocol::FindingStatus;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* listening_on_ollamas_port =
    "  sl  local_address rem_address   st tx_queue\n   0: 0100007F:2CAA 00000000:0000 0A 00000000:00000000\n";

/// Every test is one fault on a machine that is well otherwise.
class Doctor : public ::testing::Test {
  protected:
    Doctor() {
        service.answers = true;
        service.version = "1.2.3";
        service.socket = "/run/user/1000/hearth/api.sock";
        service.data_dir = "/data";
    }

    static void expect_ok(const Finding& finding) {
        EXPECT_EQ(finding.status, FindingStatus::ok) << finding.check << ": " << finding.text;
        EXPECT_EQ(finding.fix, "") << finding.check;
    }
    static void expect(const Finding& finding, FindingStatus status, const std::string& text,
                       const std::string& fix) {
        EXPECT_EQ(finding.status, status) << finding.text;
        EXPECT_THAT(finding.text, HasSubstr(text));
        EXPECT_THAT(finding.fix, StartsWith(fix));
    }

    testing::FakeSystem system;
    ServiceFacts service;
};

TEST_F(Doctor, FindsNothingWhereNothingIsWrong) {
    expect_ok(check_service(service, "/log"));
    expect_ok(check_versions(service, "1.2.3"));
    expect_ok(check_configuration(std::nullopt));
    expect_ok(check_path(system));
    expect_ok(check_store_owner(system, "/data"));
    expect_ok(check_store_space(system, "/data"));
    expect_ok(check_runtime_folder(system, "/run/user/1000/hearth"));
    expect_ok(check_socket_path(service.socket));
    expect_ok(check_gpu_driver(system, service));
    expect_ok(check_clock(system));
    expect_ok(check_ollama_port(system, service, {}));
    expect_ok(check_proxy(system, service));
    expect_ok(check_tray_host(system));
    expect_ok(check_user_service(system));
    expect_ok(check_lingering(system));
}

TEST_F(Doctor, NamesAServiceThatDoesNotStart) {
    service = {};
    service.failure = "the Hearth service did not start: hearthd ended with exit code 1";
    expect(check_service(service, "/home/me/hearthd.log"), FindingStatus::fail, "exit code 1",
           "tail /home/me/hearthd.log");
}

TEST_F(Doctor, NamesAServiceOfAnotherVersion) {
    expect(check_versions(service, "1.3.0"), FindingStatus::fail,
           "hearth is 1.3.0, the service that runs is 1.2.3", "hearth service restart");
}

TEST_F(Doctor, NamesABrokenConfiguration) {
    expect(check_configuration(std::pair<std::string, std::string>{
               "/etc/hearth/config.toml:3: memory.ram_limt is not a setting; did you mean memory.ram_limit?",
               ""}),
           FindingStatus::fail, "config.toml:3", "correct that line");
}

TEST_F(Doctor, NamesASecondProgramOnPath) {
    system.files["/usr/bin/hearth"] = system.files["/home/me/.local/bin/hearth"];
    expect(check_path(system), FindingStatus::warn, "there is also /usr/bin/hearth", "rm /usr/bin/hearth");
}

TEST_F(Doctor, TakesALinkToItselfForNoSecondProgram) {
    system.files["/usr/bin/hearth"] = system.files["/home/me/.local/bin/hearth"];
    system.links["/usr/bin/hearth"] = "/home/me/.local/bin/hearth";
    expect_ok(check_path(system));
}

TEST_F(Doctor, NamesAProgramThatIsNotOnPath) {
    system.variables["PATH"] = "/usr/bin:/bin";
    expect(check_path(system), FindingStatus::warn, "/home/me/.local/bin is not on PATH",
           "export PATH=\"/home/me/.local/bin:$PATH\"");
}

TEST_F(Doctor, NamesAStoreOfAnotherUser) {
    system.files["/data"].owner = 0;
    expect(check_store_owner(system, "/data"), FindingStatus::fail, "/data belongs to user 0, you are 1000",
           "sudo chown -R me /data");
}

TEST_F(Doctor, NamesAStoreThatIsOpenToOthers) {
    system.files["/data"].mode = 0775;
    expect(check_store_owner(system, "/data"), FindingStatus::fail, "open to other users (mode 775)",
           "chmod 700 /data");
}

TEST_F(Doctor, NamesAStoreThatIsALinkOrAFile) {
    system.files["/data"].kind = FileFacts::Kind::link;
    expect(check_store_owner(system, "/data"), FindingStatus::fail, "symbolic link", "export HEARTH_DATA=");
    system.files["/data"].kind = FileFacts::Kind::file;
    expect(check_store_owner(system, "/data"), FindingStatus::fail, "not a folder", "export HEARTH_DATA=");
}

TEST_F(Doctor, NamesAFullDisk) {
    system.space->free_bytes = 20'000'000;
    expect(check_store_space(system, "/data"), FindingStatus::fail, "20 MB of 500 GB free",
           "hearth rm MODEL");
    system.space->free_bytes = 5'000'000'000;
    expect(check_store_space(system, "/data"), FindingStatus::warn, "5.0 GB of", "hearth rm MODEL");
}

TEST_F(Doctor, NamesADiskWithoutRoomForFiles) {
    system.space->free_files = 3;
    expect(check_store_space(system, "/data"), FindingStatus::fail, "room for 3 more files", "df -i /data");
}

TEST_F(Doctor, NamesADiskThatIsReadOnly) {
    system.space->read_only = true;
    expect(check_store_space(system, "/data"), FindingStatus::fail, "read-only", "sudo mount -o remount,rw");
}

TEST_F(Doctor, NamesARuntimeFolderOfAnotherUser) {
    system.files["/run/user/1000/hearth"].owner = 0;
    expect(check_runtime_folder(system, "/run/user/1000/hearth"), FindingStatus::fail, "belongs to user 0",
           "sudo chown -R me /run/user/1000/hearth");
}

TEST_F(Doctor, NamesASocketPathThatIsTooLong) {
    expect(check_socket_path("/" + std::string(120, 'x') + "/api.sock"), FindingStatus::fail,
           "the system takes 107", "export HEARTH_RUNTIME=");
}

TEST_F(Doctor, NamesAGpuWithoutItsDriver) {
    system.files["/sys/bus/pci/devices/0000:01:00.0"] = {};
    system.contents["/sys/bus/pci/devices/0000:01:00.0/class"] = "0x030000\n";
    system.contents["/sys/bus/pci/devices/0000:01:00.0/vendor"] = "0x10de\n";
    expect(check_gpu_driver(system, service), FindingStatus::fail, "its driver is not loaded",
           "sudo modprobe nvidia");
}

TEST_F(Doctor, NamesAGpuThatTheUserMayNotUse) {
    system.contents["/proc/driver/nvidia/version"] = "NVRM version: NVIDIA UNIX Kernel Module  550.54  Tue\n";
    system.files["/dev/nvidiactl"] = {};
    system.locked.insert("/dev/nvidiactl");
    expect(check_gpu_driver(system, service), FindingStatus::fail, "you may not use /dev/nvidiactl",
           "sudo usermod -aG video,render me");
}

TEST_F(Doctor, NamesAGpuThatNoBackendUses) {
    system.contents["/proc/driver/nvidia/version"] = "NVRM version: NVIDIA UNIX Kernel Module  550.54  Tue\n";
    expect(check_gpu_driver(system, service), FindingStatus::warn,
           "GPU of NVIDIA (driver 550.54), and no backend", "put a GPU backend into /data/plugins");
    service.has_gpu = true;
    expect_ok(check_gpu_driver(system, service));
}

TEST_F(Doctor, NamesAWrongClock) {
    system.time = system.built - std::chrono::days(400);
    expect(check_clock(system), FindingStatus::fail, "the clock is behind", "sudo timedatectl set-ntp true");
    system.time = system.built + std::chrono::years(30);
    expect(check_clock(system), FindingStatus::fail, "decades ahead", "sudo timedatectl set-ntp true");
}

TEST_F(Doctor, NamesAClockThatNothingKeepsRight) {
    system.clock = ClockState::free_running;
    expect(check_clock(system), FindingStatus::warn, "nothing keeps the clock right",
           "sudo timedatectl set-ntp true");
}

TEST_F(Doctor, NamesOllamaOnThePortThatWeWant) {
    system.contents["/proc/net/tcp"] = listening_on_ollamas_port;
    expect(check_ollama_port(system, service, {"127.0.0.1:11434"}), FindingStatus::fail,
           "another program (Ollama?)", "sudo systemctl disable --now ollama");
}

TEST_F(Doctor, NamesOllamaOnItsPort) {
    system.contents["/proc/net/tcp6"] = listening_on_ollamas_port;
    expect(check_ollama_port(system, service, {}), FindingStatus::warn, "listens on port 11434",
           "sudo systemctl disable --now ollama");
}

TEST_F(Doctor, TakesItsOwnPortForNoClash) {
    system.contents["/proc/net/tcp"] = listening_on_ollamas_port;
    service.tcp = {"127.0.0.1:11434"};
    expect_ok(check_ollama_port(system, service, {"127.0.0.1:11434"}));
}

TEST_F(Doctor, NamesADeadProxyOfTheService) {
    service.proxies["https_proxy"] = "http://proxy.example:3128";
    system.unreachable["proxy.example:3128"] = "Connection refused";
    expect(check_proxy(system, service), FindingStatus::fail,
           "the proxy proxy.example:3128 of https_proxy does not answer: Connection refused",
           "unset https_proxy");
    system.unreachable.clear();
    EXPECT_EQ(check_proxy(system, service).text, "downloads go through proxy.example:3128");
}

TEST_F(Doctor, NamesADeadProxyWhileNoServiceAnswers) {
    service = {};
    system.variables["ALL_PROXY"] = "socks5h://user:secret@[::1]";
    system.unreachable["::1:1080"] = "Connection refused";
    const Finding finding = check_proxy(system, service);
    expect(finding, FindingStatus::fail, "does not answer", "unset ALL_PROXY");
    EXPECT_THAT(finding.text, ::testing::Not(HasSubstr("secret")));
}

TEST_F(Doctor, NamesAProxyThatIsNoAddress) {
    for (const char* wrong : {"ftp://proxy:21", "http://proxy:http", "http://", "a proxy"}) {
        service.proxies["https_proxy"] = wrong;
        expect(check_proxy(system, service), FindingStatus::fail, "https_proxy is no address of a proxy",
               "export https_proxy=http://HOST:PORT");
    }
}

TEST_F(Doctor, NamesADesktopWithoutATrayHost) {
    system.answers[testing::FakeSystem::bus_question].out = "b false\n";
    expect(check_tray_host(system), FindingStatus::warn, "nothing on this desktop shows tray icons",
           "add the tray");
    system.variables["XDG_CURRENT_DESKTOP"] = "ubuntu:GNOME";
    expect(check_tray_host(system), FindingStatus::warn, "GNOME shows tray icons only with an extension",
           "sudo apt install gnome-shell-extension-appindicator");
}

TEST_F(Doctor, NamesASessionWithoutABus) {
    system.answers.erase(testing::FakeSystem::bus_question);
    expect(check_tray_host(system), FindingStatus::warn, "the session bus does not answer",
           "sudo apt install dbus-user-session");
    system.variables.erase("DISPLAY");
    expect_ok(check_tray_host(system));
}

TEST_F(Doctor, NamesAServiceThatIsNotEnabled) {
    system.answers["systemctl --user is-enabled hearthd.socket"].out = "disabled\n";
    expect(check_user_service(system), FindingStatus::warn, "not enabled", "hearth service enable");
    system.answers["systemctl --user is-enabled hearthd.socket"].out = "masked\n";
    expect(check_user_service(system), FindingStatus::warn, "masked", "hearth service enable");
}

TEST_F(Doctor, NamesAServiceThatHasFailed) {
    system.answers["systemctl --user is-failed hearthd.service"].out = "failed\n";
    expect(check_user_service(system), FindingStatus::fail, "hearthd.service has failed",
           "systemctl --user reset-failed hearthd.service; hearth service restart");
}

TEST_F(Doctor, NamesASocketThatDoesNotListen) {
    system.answers["systemctl --user is-active hearthd.socket"].out = "inactive\n";
    expect(check_user_service(system), FindingStatus::warn, "does not listen",
           "systemctl --user start hearthd.socket");
}

TEST_F(Doctor, NamesAServerWhoseServiceEndsAtLogout) {
    system.variables.erase("DISPLAY");
    expect(check_lingering(system), FindingStatus::warn, "ends when you log out",
           "hearth service enable --at-boot");
    system.files["/var/lib/systemd/linger/me"] = {};
    expect_ok(check_lingering(system));
}

TEST_F(Doctor, DoesWithoutAServiceManager) {
    system.answers.clear();
    expect_ok(check_user_service(system));
    expect_ok(check_lingering(system));
}

} // namespace
} // namespace hearth::cli::doctor
