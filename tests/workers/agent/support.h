// What the agent's tests share: a loop whose time the test moves, models that say what the test
// wants, a recorder of events, a directory that goes away.
#pragma once

#include <stdlib.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/manual_loop.h"
#include "workers/agent/cron/cron.h"
#include "workers/agent/embedded_store.h"
#include "workers/agent/front_desk.h"
#include "workers/agent/methods.h"

namespace agent {

class FakeModels final : public ModelStarter {
  public:
    struct Call {
        ModelRequest request;
        Json tools;
        ModelListener* listener = nullptr;
        bool cancelled = false;

        void say(std::string_view text) { listener->text_delta(text); }
        void finish(const std::string& text) {
            const Json usage{{"input", 10},
                             {"output", 5},
                             {"cacheRead", 2},
                             {"cacheWrite", 1},
                             {"totalTokens", 18}};
            listener->done(Json{{"role", "assistant"},
                                {"content", Json::array({{{"type", "text"}, {"text", text}}})},
                                {"api", "fake-api"},
                                {"provider", "fake"},
                                {"model", "one"},
                                {"usage", usage},
                                {"stopReason", "stop"},
                                {"timestamp", 1}});
        }
        // An answer that asks for tools: {id, name, arguments} each.
        void ask_for(const std::string& text, const Json& wanted) {
            Json content = Json::array({{{"type", "text"}, {"text", text}}});
            for (const Json& one : wanted) {
                Json block{{"type", "toolCall"}};
                block.update(one);
                content.push_back(block);
            }
            listener->done(Json{{"role", "assistant"},
                                {"content", content},
                                {"api", "fake-api"},
                                {"provider", "fake"},
                                {"model", "one"},
                                {"stopReason", "toolUse"},
                                {"timestamp", 1}});
        }
        void fail(const std::string& text) {
            listener->failed({ModelFailure::Reason::provider, 500, text, {}});
        }
    };
    std::vector<ModelName> candidates(const std::string&,
                                      const std::string& wanted) const override {
        std::vector<ModelName> names{{"fake", "one"}, {"fake", "two"}};
        if (!wanted.empty()) names.insert(names.begin(), {"wanted", wanted});
        return names;
    }
    Result<ModelName> choose(const std::string& text) const override {
        const size_t slash = text.find('/');
        if (slash == std::string::npos) return Error{Fault::bad_message, "no model " + text};
        return ModelName{text.substr(0, slash), text.substr(slash + 1)};
    }
    Result<std::string> profile_named(const std::string&, const ModelName& model,
                                      const std::string& name) const override {
        if (name != "work") return Error{Fault::bad_message, "there is no key \"" + name + "\""};
        return model.provider + ":" + name;
    }
    std::string key_label(const std::string&, const ModelName&,
                          const std::string& profile) const override {
        return profile.empty() ? "api-key" : "api-key (" + profile + ")";
    }
    std::optional<double> cost(const ModelName& name, const Json& usage) const override {
        if (name.provider != "fake") return {};
        return static_cast<double>(int_member(usage, "output")) * 0.5;
    }
    int64_t context_window(const ModelName& name) const override {
        const auto own = windows.find(name.model);
        return own == windows.end() ? window : own->second;
    }
    std::string default_thinking(const ModelName& name) const override {
        return name.model.ends_with("thinker") ? "low" : "off";
    }
    std::unique_ptr<ModelCall> start(ModelRequest request, Json offered,
                                     ModelListener& listener) override {
        calls.push_back(
            std::make_shared<Call>(Call{std::move(request), std::move(offered), &listener}));
        return std::make_unique<Handle>(calls.back());
    }
    Json list() const {
        Json models = Json::array();
        for (const char* id : {"one", "two", "three"})
            models.push_back({{"provider", "fake"}, {"id", id}});
        return Json{{"models", models}};
    }
    Call& last() { return *calls.back(); }

    std::vector<std::shared_ptr<Call>> calls;
    int64_t window = 200'000;
    std::map<std::string, int64_t> windows;  // of those that have another, by model

  private:
    struct Handle final : ModelCall {
        explicit Handle(std::shared_ptr<Call> c) : call(std::move(c)) {}
        ~Handle() override { call->cancelled = true; }
        std::shared_ptr<Call> call;
    };
};

// Tools that answer when the test says so.
class FakeTools final : public ToolBox {
  public:
    struct Call {
        ToolOrder order;
        ToolListener* listener = nullptr;
        bool cancelled = false;
    };
    Json definitions(const ToolCaller&) const override { return offered; }
    std::unique_ptr<ToolCall> start(ToolOrder order, ToolListener& listener) override {
        calls.push_back(std::make_shared<Call>(Call{std::move(order), &listener}));
        return std::make_unique<Handle>(calls.back());
    }
    std::unique_ptr<ToolCall> fetch(Json arguments, ToolListener& listener) override {
        if (!fetches) return nullptr;
        ToolOrder order;
        order.arguments = std::move(arguments);
        return start(std::move(order), listener);
    }
    void end_session(const std::string& key) override { ended_sessions.push_back(key); }
    Call& last() { return *calls.back(); }

    bool fetches = true;
    Json offered = Json::array();
    std::vector<std::shared_ptr<Call>> calls;
    std::vector<std::string> ended_sessions;

  private:
    struct Handle final : ToolCall {
        explicit Handle(std::shared_ptr<Call> c) : call(std::move(c)) {}
        ~Handle() override { call->cancelled = true; }
        std::shared_ptr<Call> call;
    };
};

class Recorder final : public EventSink {
  public:
    struct Seen {
        std::string name;
        Json payload;
        std::string run_id;
        std::string session_key;
        uint64_t sequence = 0;
        bool drop_if_slow = false;
        // "agent lifecycle start", "chat delta"
        std::string label() const {
            if (name == "chat") return "chat " + text_member(payload, "state");
            const std::string stream = text_member(payload, "stream");
            const std::string phase = text_member(member(payload, "data"), "phase");
            return "agent " + stream + (phase.empty() ? "" : " " + phase);
        }
    };
    void emit(const Event& event) override {
        seen.push_back({event.name, event.payload, event.run_id, event.session_key, event.sequence,
                        event.drop_if_slow});
    }
    void run_ended(const std::string& run_id) override { ended.push_back(run_id); }

    std::vector<std::string> labels(const std::string& run_id = {}) const {
        std::vector<std::string> all;
        for (const Seen& one : seen)
            if (run_id.empty() || one.run_id == run_id) all.push_back(one.label());
        return all;
    }
    const Seen* last(const std::string& label) const {
        for (auto one = seen.rbegin(); one != seen.rend(); ++one)
            if (one->label() == label) return &*one;
        return nullptr;
    }
    size_t count(const std::string& label) const {
        return static_cast<size_t>(std::count_if(
            seen.begin(), seen.end(), [&](const Seen& one) { return one.label() == label; }));
    }

    std::vector<Seen> seen;
    std::vector<std::string> ended;
};

class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        char name[] = "/tmp/hardshell-agent-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~TemporaryDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

inline std::string read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

inline void write_text(const std::string& path, std::string_view text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
}

inline std::vector<Json> json_lines(const std::string& text) {
    std::vector<Json> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        if (!line.empty()) lines.push_back(Json::parse(line));
    return lines;
}

inline std::string time_zones_module() {
    const char* build = std::getenv("HARDSHELL_BUILD");
    return std::string(build ? build : ".") + "/libexec/hardshell/time_zones.so";
}

// One life of the agent over a state directory: everything but the link and the real models.
class Life {
  public:
    Life(const std::string& directory, ManualLoop& l, Json config_json = Json::object())
        : loop(l), config(std::move(config_json)) {
        auto opened = EmbeddedStore::open(
            loop, {directory, directory, config.keys(), [this] { return loop.now_ms; }});
        if (!opened) throw std::runtime_error(opened.error().what);
        store = std::move(*opened);
        runs = std::make_unique<Runs>(RunServices{loop, *store, models, events, config,
                                                  system_events, [this] { return loop.now_ms; },
                                                  [this] { return loop.now_ms; }, nullptr, &tools});
        heartbeats = std::make_unique<Heartbeats>(
            Heartbeats::Services{loop, *store, *runs, models, events, config, system_events, zones,
                                 [this] { return loop.now_ms; }});
        cron = std::make_unique<Cron>(
            Cron::Services{loop, *store, *runs, models, events, config, system_events, *heartbeats,
                           zones, [this] { return loop.now_ms; }},
            Cron::Options{directory + "/cron", directory + "/cron", true,
                          static_cast<size_t>(
                              int_member(member(config.json(), "cron"), "maxConcurrentRuns", 1))});
        const auto list_models = [this] { return models.list(); };
        desk = std::make_unique<FrontDesk>(
            FrontDesk::Services{*runs, *store, models, config, list_models,
                                [this] { return loop.now_ms; }, directory, &tools});
        methods = std::make_unique<Methods>(MethodServices{
            *runs, *store, models, events, config, system_events, *heartbeats, *cron, *desk,
            list_models, [this] { return loop.now_ms; }, directory, nullptr, &tools});
    }

    // All answers so far to this call.
    std::shared_ptr<std::vector<Answer>> call(const std::string& method, const Json& params) {
        auto answers = std::make_shared<std::vector<Answer>>();
        methods->call(method, print_json(params),
                      [answers](Answer answer) { answers->push_back(std::move(answer)); });
        return answers;
    }
    // The payload of the one answer that came at once; an error becomes {"code", "message"}.
    Json ask(const std::string& method, const Json& params) {
        const auto answers = call(method, params);
        if (answers->empty()) return nullptr;
        const Answer& answer = answers->front();
        if (answer.ok) return Json::parse(answer.payload_json);
        return Json{{"code", answer.error_code}, {"message", answer.error_message}};
    }
    Json send(const std::string& key, const std::string& text, const std::string& run_id) {
        Json answer =
            ask("chat.send", {{"sessionKey", key}, {"message", text}, {"idempotencyKey", run_id}});
        loop.settle();
        return answer;
    }
    Json history(const std::string& key) {
        return ask("chat.history", {{"sessionKey", key}})["messages"];
    }

    ManualLoop& loop;
    AgentConfig config;
    FakeModels models;
    FakeTools tools;
    Recorder events;
    SystemEvents system_events;
    std::unique_ptr<EmbeddedStore> store;
    TimeZones zones{time_zones_module()};
    std::unique_ptr<Runs> runs;
    std::unique_ptr<Heartbeats> heartbeats;
    std::unique_ptr<Cron> cron;
    std::unique_ptr<FrontDesk> desk;
    std::unique_ptr<Methods> methods;
};

}  // namespace agent
