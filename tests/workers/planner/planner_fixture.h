// A state directory of its own and a planner's question asked of it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "workers/common/base/json.h"
#include "workers/planner/plan.h"

class PlannerTest : public testing::Test {
  protected:
    using Notice = hardshell::proto::Notice;

    PlannerTest() {
        char name[] = "/tmp/planner-test-XXXXXX";
        directory = mkdtemp(name);
        set("HOME", "/home/owner");
    }
    ~PlannerTest() override { std::filesystem::remove_all(directory); }

    void set(const std::string& name, const std::string& value) {
        environment.add(name, value, "environment variable " + name);
    }
    std::string path(const std::string& name = "openclaw.json") const {
        return directory + "/" + name;
    }
    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
        std::ofstream(path(name), std::ios::binary) << text;
    }
    std::string read(const std::string& name) const { return slurp(path(name)); }
    static std::string slurp(const std::string& file) {
        std::ostringstream text;
        text << std::ifstream(file, std::ios::binary).rdbuf();
        return text.str();
    }
    static std::string fixture(const std::string& name) {
        return slurp(std::string(std::getenv("HARDSHELL_SOURCE")) + "/tests/fixtures/" + name);
    }

    hardshell::proto::PlanRequest request(const std::vector<std::string>& arguments = {}) const {
        hardshell::proto::PlanRequest request;
        for (const std::string& argument : arguments) request.add_arguments(argument);
        request.set_state_dir(directory);
        request.set_config_path(path());
        request.set_takes_effect(true);
        return request;
    }
    hardshell::proto::Plan plan(const std::vector<std::string>& arguments = {
                                    "--allow-unconfigured"}) const {
        return planner::answer(request(arguments), environment).plan();
    }
    // With that text as openclaw.json.
    hardshell::proto::Plan plan_of(const std::string& text) const {
        write("openclaw.json", text);
        return plan();
    }
    hardshell::proto::PlanReply write_config(const std::string& text,
                                             const std::string& base_hash) const {
        hardshell::proto::PlanRequest asked = request({"--allow-unconfigured"});
        asked.set_new_config(text);
        asked.set_base_hash(base_hash);
        return planner::answer(asked, environment);
    }

    // A question about the configuration or a change of it.
    hardshell::proto::ConfigAnswer call(const std::string& method,
                                        const Json& params = Json::object(),
                                        const std::string& asker = {}) const {
        hardshell::proto::PlanRequest asked = request();
        asked.mutable_config()->set_asker(asker);
        asked.mutable_config()->set_method(method);
        asked.mutable_config()->set_params_json(print_json(params));
        return planner::answer(asked, environment).config();
    }
    // Its payload; null when it was refused.
    Json payload(const std::string& method, const Json& params = Json::object()) const {
        const auto answer = call(method, params);
        if (answer.error_code().empty()) return *parse_json(answer.payload_json());
        ADD_FAILURE() << method << ": " << answer.error_message() << " "
                      << answer.error_details_json();
        return {};
    }

    static const hardshell::proto::WorkerPlan& worker(const hardshell::proto::Plan& plan,
                                                      const std::string& name) {
        for (const auto& worker : plan.workers())
            if (worker.name() == name) return worker;
        ADD_FAILURE() << "no worker " << name;
        std::abort();
    }
    static Json config_of(const hardshell::proto::Plan& plan, const std::string& name) {
        return *parse_json(worker(plan, name).settings().config_json());
    }
    // Null when the worker is not given it.
    static const hardshell::proto::Secret* secret(const hardshell::proto::Plan& plan,
                                                  const std::string& worker_name,
                                                  const std::string& name) {
        for (const auto& secret : worker(plan, worker_name).secrets())
            if (secret.name() == name) return &secret;
        return nullptr;
    }
    // The texts of that severity, one per line.
    static std::string notices(const hardshell::proto::Plan& plan, Notice::Severity severity) {
        std::string text;
        for (const Notice& notice : plan.notices())
            if (notice.severity() == severity) text += notice.text() + "\n";
        return text;
    }
    static std::string errors(const hardshell::proto::Plan& plan) {
        return notices(plan, Notice::ERROR);
    }
    static std::string warnings(const hardshell::proto::Plan& plan) {
        return notices(plan, Notice::WARNING);
    }

    std::string directory;
    planner::Environment environment;
};
