// A desk of calls with a company, an agent and a clock that are made up. Requests need no
// signature, unless a test wants the company's own class.
#pragma once

#include <gmock/gmock.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "workers/voice/call_desk.h"
#include "workers/voice/form.h"

namespace voice {

// Believes everything, and otherwise does what the real one does.
class Unsigned final : public Provider {
  public:
    explicit Unsigned(std::unique_ptr<Provider> real) : real_(std::move(real)) {}

    Result<Verified> verify(const SignedRequest& request, int64_t) const override {
        return Verified{std::string(request.header("signature")) + request.query + request.body};
    }
    Done look_at_head(const SignedRequest&, int64_t) const override { return {}; }
    Result<CallEvent> read(const SignedRequest& request) const override {
        return real_->read(request);
    }
    WebhookReply answer(const Call* call, const std::string& webhook) const override {
        return real_->answer(call, webhook);
    }
    bool follows_answers() const override { return real_->follows_answers(); }
    bool performs_words() const override { return real_->performs_words(); }
    std::vector<HttpsRequest> perform(const Call& call, const std::string& webhook) const override {
        return real_->perform(call, webhook);
    }
    HttpsRequest place(const Call& call, const std::string& webhook) const override {
        return real_->place(call, webhook);
    }
    Result<std::string> placed(const HttpsAnswer& answer) const override {
        return real_->placed(answer);
    }
    HttpsRequest ask_state(const Call& call) const override { return real_->ask_state(call); }
    bool says_over(const HttpsAnswer& answer) const override { return real_->says_over(answer); }

  private:
    std::unique_ptr<Provider> real_;
};

class DeskFixture : public testing::Test {
  protected:
    static constexpr const char* webhook = "https://example.com/voice/webhook";
    static constexpr const char* ann = "+15550001111";

    explicit DeskFixture(ProviderName company, bool believes_everything = true)
        : is_believing(believes_everything) {
        folder = testing::TempDir() + "voice-desk-" + name_of(company) + std::to_string(getpid());
        std::filesystem::remove_all(folder);
        settings.provider = company;
        settings.account = "AC1";
        settings.key = Secret("token");
        settings.api_url = "https://api.example";
        settings.from_number = "+15550002222";
        settings.inbound = InboundPolicy::allow_list;
        settings.allow_from = settings.destinations = {ann};
        settings.greeting = "Greetings.";
    }
    // A test that wants other settings changes them before.
    void SetUp() override { begin(); }
    void TearDown() override {
        desk.reset();
        std::filesystem::remove_all(folder);
    }

    // Of a process.
    void begin() {
        provider = make_provider(settings);
        if (is_believing) provider = std::make_unique<Unsigned>(std::move(provider));
        store = std::make_unique<CallStore>(folder);
        desk = std::make_unique<CallDesk>(CallDesk::Services{
            settings,
            *provider,
            *store,
            {[this](const proto::InboundMessage& message) {
                 offered.push_back(message);
                 return Done();
             },
             [](const std::string&, uint32_t, uint32_t, std::function<void()> go) { go(); },
             [this](const proto::DeliveryReport& report) { reports.push_back(report); },
             [this](uint64_t id, const Result<Json>& payload) {
                 answers[id] = payload ? print_json(*payload) : "error: " + payload.error().what;
             }},
            [this](HttpsRequest request, std::function<void(HttpsOutcome)> handler) {
                asked.push_back({std::move(request), std::move(handler)});
            },
            [this] { return now; },
            [this] { return url; },
            [this](bool on) { ticks = on; }});
        ASSERT_TRUE(desk->recover());
    }
    void kill_and_begin_anew() {
        desk.reset();
        asked.clear();
        offered.clear();
        reports.clear();
        begin();
    }
    // So much later, if time is looked at then.
    void pass(int64_t seconds) {
        now += seconds * 1000;
        if (ticks) desk->tick();
    }

    void deliver(const std::string& call_id, const std::string& text, bool is_notice = false,
                 const std::string& id = "d1") {
        proto::DeliverMessage message;
        message.set_delivery_id(id);
        message.mutable_place()->set_thread_id(call_id);
        message.set_text(text);
        message.set_is_notice(is_notice);
        desk->deliver(message);
    }
    std::string method(const std::string& name, const Json& params, bool by_model = false) {
        desk->call_method(++last_method, "voicecall." + name, params, by_model);
        return answers[last_method];
    }
    // The words that the agent was offered.
    std::vector<std::string> heard() const {
        std::vector<std::string> words;
        for (const proto::InboundMessage& message : offered) words.push_back(message.text());
        return words;
    }
    // A call to Ann is asked for; its id.
    std::string place(const std::string& mode, const std::string& message = "Dinner is ready.") {
        method("initiate", {{"to", ann}, {"message", message}, {"mode", mode}});
        return last_call();
    }

    // The company answers what it was asked first of all that is left.
    void company_says(int status, const std::string& body = "{}") {
        end_request({HttpsAnswer{status, {}, body, body.size()}, true});
    }
    void company_is_lost() { end_request({Error{Fault::timed_out, "no answer in time"}, true}); }
    // What it was asked for and has not answered: the last part of each address.
    std::vector<std::string> asked_for() const {
        std::vector<std::string> verbs;
        for (const Asked& one : asked)
            verbs.push_back(one.request.url.substr(one.request.url.rfind('/') + 1));
        return verbs;
    }
    std::string told() const {
        if (asked.empty() || asked.back().request.body.empty()) return {};
        return asked.back().request.body[0].bytes;
    }
    std::string twiml_told() const {
        const auto fields = read_form(told());
        return fields ? std::string(value_of(*fields, "Twiml")) : "";
    }

    std::string state_of(const std::string& call_id) const {
        const Call* call = desk->find(call_id);
        return call ? name_of(call->state) : "no call";
    }
    // The call that was kept last.
    std::string last_call() const {
        std::ifstream file(folder + "/calls.jsonl");
        std::string last;
        for (std::string line; std::getline(file, line);) last = line;
        const Result<Json> record = parse_json(last);
        return record ? text_member(*record, "callId") : "";
    }

    struct Asked {
        HttpsRequest request;
        std::function<void(HttpsOutcome)> handler;
    };
    void end_request(HttpsOutcome outcome) {
        ASSERT_FALSE(asked.empty());
        const Asked first = asked.front();
        asked.pop_front();
        first.handler(std::move(outcome));
    }

    bool is_believing;
    std::string folder;
    Settings settings;
    std::unique_ptr<Provider> provider;
    std::unique_ptr<CallStore> store;
    std::unique_ptr<CallDesk> desk;
    int64_t now = 1'800'000'000'000;
    std::string url = webhook;
    bool ticks = false;
    std::deque<Asked> asked;
    std::vector<proto::InboundMessage> offered;
    std::vector<proto::DeliveryReport> reports;
    std::map<uint64_t, std::string> answers;
    uint64_t last_method = 0;
};

}  // namespace voice
