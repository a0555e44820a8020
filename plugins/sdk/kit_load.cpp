#include "plugins/sdk/files.hpp"
#include "plugins/sdk/kit.hpp"
#include "plugins/sdk/shapes.hpp"

#include <map>

namespace hearth::sdk {

namespace {

constexpr const char* alias = "checked-model";

std::string good_spec() {
    const Json spec = {{"alias", alias},        {"context", 512},      {"parallel", 2},
                       {"threads", 2},          {"embeddings", false}, {"options", Json::object()},
                       {"unknown_member", true}};
    return spec.dump();
}

} // namespace

void Kit::check_bad_loads() {
    const std::vector<hearth_file> none;
    report_.check("a spec that is no JSON is E_INVALID", [&] {
        hearth_model* model = nullptr;
        plugin_->load("{\"alias\":", none, {}, model).must_be(HEARTH_E_INVALID);
        require(model == nullptr, "a model came back with the error");
    });
    report_.check("a spec with a wrong type is E_INVALID", [&] {
        hearth_model* model = nullptr;
        plugin_->load(R"({"alias":"x","context":"many"})", none, {}, model).must_be(HEARTH_E_INVALID);
        require(model == nullptr, "a model came back with the error");
    });
    if (!needs_files()) {
        return;
    }
    report_.check("a load without files is refused", [&] {
        hearth_model* model = nullptr;
        plugin_->load(good_spec(), none, {}, model).must_be(HEARTH_E_INVALID);
    });
    for (const auto& [name, content] : std::map<std::string, std::string>{
             {"a file of another format is E_FORMAT", std::string(4096, 'x')},
             {"an empty file is E_FORMAT", ""},
         }) {
        report_.check(name, [&] {
            const OpenFiles files{std::string_view(content)};
            hearth_model* model = nullptr;
            plugin_->load(good_spec(), files.list(), {}, model).must_be(HEARTH_E_FORMAT);
            require(model == nullptr, "a model came back with the error");
        });
    }
}

void Kit::check_estimate_and_cancel() {
    report_.check("estimate answers or says that it cannot", [&] {
        const OpenFiles files(model_files_);
        const Outcome outcome = plugin_->estimate(good_spec(), files.list());
        if (outcome.status != HEARTH_E_UNSUPPORTED) {
            check_estimate(outcome.single());
        }
    });
    report_.check("a load can be cancelled", [&] {
        const OpenFiles files(model_files_);
        hearth_model* model = nullptr;
        bool asked = false;
        const Outcome outcome = plugin_->load(
            good_spec(), files.list(),
            [&](const std::string&, float) {
                asked = true;
                return false;
            },
            model);
        if (!asked) { // no progress, no place to cancel
            plugin_->table().unload(model);
            outcome.must_be_ok();
            return;
        }
        outcome.must_be(HEARTH_E_CANCELLED);
        require(model == nullptr, "a model came back with the error");
    });
}

bool Kit::load(const std::string& name) {
    return report_.check(name, [&] {
        open_files_ = std::make_unique<OpenFiles>(model_files_); // the runner keeps them open until unload
        std::map<std::string, float> stages;
        std::string wrong;
        auto progress = [&](const std::string& stage, float fraction) {
            if (stage.empty() || !(fraction >= stages[stage] && fraction <= 1.0f)) {
                wrong = "progress of stage \"" + stage + "\" goes from " + std::to_string(stages[stage]) +
                        " to " + std::to_string(fraction);
            }
            stages[stage] = fraction;
            return true;
        };
        plugin_->load(good_spec(), open_files_->list(), progress, model_).must_be_ok();
        require(model_ != nullptr, "load returned OK and no model");
        require(wrong.empty(), wrong);
    });
}

void Kit::check_model_info() {
    report_.check("info tells what was loaded", [&] {
        const Json event = plugin_->info(model_).single();
        check_info(event);
        operations_ = event["operations"].get<std::vector<std::string>>();
        for (const std::string& operation : operations_) {
            require(manifest_.has_operation(operation), "operation " + operation + " is not in the manifest");
        }
        require(!operations_.empty(), "the model offers no operation");
        require(event.dump().find("/proc/self/fd") == std::string::npos, "the descriptor's path shows");
    });
}

void Kit::unload(const std::string& name) {
    report_.check(name, [&] {
        plugin_->table().unload(model_);
        model_ = nullptr;
        open_files_.reset();
    });
}

} // namespace hearth::sdk
