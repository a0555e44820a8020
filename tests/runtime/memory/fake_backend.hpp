#pragma once

#include "base/error.hpp"
#include "runtime/runner/ask_once.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace hearth::runtime::memory {

/// Backends without processes: a test says what each of them answers. On one io_context.
class FakeBackends : public ::testing::Test {
  protected:
    static PluginManifest plugin(const std::string& name) {
        PluginManifest manifest;
        manifest.name = name;
        manifest.version = "1";
        manifest.sha256 = std::string(64, 'a');
        return manifest;
    }
    static PluginManifest model_plugin(const std::string& name) {
        PluginManifest manifest = plugin(name);
        manifest.formats = {"gguf"};
        return manifest;
    }

    RunnerStarter starter() {
        return [this](PluginManifest manifest) -> boost::asio::awaitable<std::unique_ptr<Runner>> {
            co_return std::make_unique<OneAnswer>(*this, manifest.name);
        };
    }

    template <class Result> Result run(boost::asio::awaitable<Result> work) {
        std::optional<Result> result;
        std::exception_ptr failure;
        auto done = [&](std::exception_ptr thrown, Result value) {
            failure = std::move(thrown);
            result.emplace(std::move(value));
        };
        boost::asio::co_spawn(io_, std::move(work), std::move(done));
        io_.restart();
        while (!result) {
            io_.run_one();
        }
        if (failure) {
            std::rethrow_exception(failure);
        }
        return std::move(*result);
    }
    void run(boost::asio::awaitable<void> work) { run(and_true(std::move(work))); }
    /// Turns the loop until what was started has come to rest.
    void settle() {
        io_.restart();
        io_.poll();
    }

    boost::asio::io_context io_;
    std::map<std::string, Json> answers_;  ///< to "devices", by name of the backend
    std::map<std::string, Json> measured_; ///< to "measure"
    std::map<std::string, Error> failures_;
    std::vector<std::string> heads_; ///< what was asked
    int stopped_ = 0;

  private:
    static boost::asio::awaitable<bool> and_true(boost::asio::awaitable<void> work) {
        co_await std::move(work);
        co_return true;
    }

    class OneAnswer final : public Runner {
      public:
        OneAnswer(FakeBackends& world, std::string name) : world_(world), name_(std::move(name)) {}

        boost::asio::awaitable<Json> ask(std::string head, std::vector<UniqueFd>) override {
            const bool measures = get_string(Json::parse(head), "op") == "measure";
            world_.heads_.push_back(std::move(head));
            if (const auto failure = world_.failures_.find(name_); failure != world_.failures_.end()) {
                throw Error(failure->second);
            }
            co_return measures ? world_.measured_[name_] : world_.answers_[name_];
        }
        boost::asio::awaitable<void> stop() override {
            ++world_.stopped_;
            co_return;
        }
        boost::asio::awaitable<void> load(LoadSpec, std::vector<registry::OpenModelFile>,
                                          std::function<void(std::string, double)>) override {
            throw Error(ErrorCode::unsupported, "nothing is loaded here");
        }
        boost::asio::awaitable<Json> estimate(LoadSpec, std::vector<registry::OpenModelFile>,
                                              std::vector<PretendedDevice>) override {
            throw Error(ErrorCode::unsupported, "nothing is loaded here");
        }
        boost::asio::awaitable<std::unique_ptr<RequestStream>> request(std::string, std::string) override {
            throw Error(ErrorCode::unsupported, "nothing is loaded here");
        }
        const Json& info() const override { return info_; }
        pid_t pid() const override { return 1; }
        bool alive() const override { return true; }
        boost::asio::awaitable<std::string> wait_exit() override { co_return "exit code 0"; }

      private:
        FakeBackends& world_;
        std::string name_;
        Json info_ = Json::object();
    };
};

} // namespace hearth::runtime::memory
