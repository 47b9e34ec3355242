// A desk of calls with a company and an agent that are made up.
#pragma once

#include <gmock/gmock.h>

#include <filesystem>

#include "workers/voice/call_desk.h"
#include "workers/voice/form.h"

namespace voice {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

inline constexpr const char* webhook = "https://example.com/voice/webhook";
inline constexpr const char* ann = "+15550001111";

struct Asked {
    HttpsRequest request;
    std::function<void(HttpsOutcome)> handler;
};

class TheDesk : public testing::Test {
  protected:
    void SetUp() override {
        folder = testing::TempDir() + "voice-desk-" + std::to_string(getpid());
        std::filesystem::remove_all(folder);
        settings.provider = ProviderName::twilio;
        settings.account = "AC1";
        settings.key = Secret("token");
        settings.api_url = "https://api.example";
        settings.from_number = "+15550002222";
        settings.inbound = InboundPolicy::allow_list;
        settings.allow_from = {ann};
        settings.destinations = {ann};
        settings.greeting = "Greetings.";
        begin();
    }
    void TearDown() override {
        desk.reset();
        std::filesystem::remove_all(folder);
    }

    // Of a process.
    void begin() {
        provider = make_provider(settings);
        store = std::make_unique<CallStore>(folder);
        desk = std::make_unique<CallDesk>(CallDesk::Services{
            settings,
            *provider,
            *store,
            {[this](const proto::InboundMessage& message) {
                 offered.push_back(message);
                 return Done();
             },
             [this](const std::string&, uint32_t, uint32_t, std::function<void()> go) { go(); },
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

    SignedRequest signed_form(const std::string& query, const Fields& fields) const {
        SignedRequest request{webhook, query, write_form(fields), {}};
        const std::string whole = query.empty() ? webhook : std::string(webhook) + "?" + query;
        request.headers = {{"x-twilio-signature",
                            twilio_signature(settings.key, twilio_base(whole, request.body))}};
        return request;
    }
    static Fields event(const std::string& sid, const std::string& status,
                        const std::string& from = ann, const std::string& direction = "inbound") {
        return {{"CallSid", sid},
                {"CallStatus", status},
                {"From", from},
                {"To", "+15550002222"},
                {"Direction", direction}};
    }
    std::string ring(const std::string& sid = "CA1", const std::string& from = ann) {
        return desk->take(signed_form("", event(sid, "ringing", from))).body;
    }
    // The address in an answer that the company goes on with.
    static std::string query_in(const std::string& xml) {
        const size_t at = xml.find("webhook?") + 8;
        std::string query = xml.substr(at, xml.find_first_of("<\"", at) - at);
        for (size_t amp; (amp = query.find("&amp;")) != std::string::npos;) query.erase(amp + 1, 4);
        return query;
    }
    static std::string call_id_in(const std::string& xml) {
        return std::string(value_of(*read_form(query_in(xml)), "callId"));
    }
    std::string speak(const std::string& xml, const std::string& words,
                      const std::string& sid = "CA1") {
        Fields fields = event(sid, "in-progress");
        fields.emplace_back("SpeechResult", words);
        return desk->take(signed_form(query_in(xml), fields)).body;
    }
    std::string ask_again(const std::string& xml, const std::string& sid = "CA1") {
        return desk->take(signed_form(query_in(xml), event(sid, "in-progress"))).body;
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
    // The company answers what it was asked last.
    void company_says(int status, const std::string& body = "{}") {
        ASSERT_FALSE(asked.empty());
        const Asked last = asked.back();
        asked.pop_back();
        last.handler({HttpsAnswer{status, {}, body, body.size()}, true});
    }
    std::string told() const {
        if (asked.empty() || asked.back().request.body.empty()) return {};
        return asked.back().request.body[0].bytes;
    }
    std::string twiml_told() const {
        const auto fields = read_form(told());
        return fields ? std::string(value_of(*fields, "Twiml")) : "";
    }
    std::string method(const std::string& name, const Json& params, bool by_model = false) {
        const uint64_t id = ++last_method;
        desk->call_method(id, "voicecall." + name, params, by_model);
        return answers[id];
    }
    std::string state_of(const std::string& call_id) const {
        const Call* call = desk->find(call_id);
        return call ? name_of(call->state) : "no call";
    }

    std::string folder;
    Settings settings;
    std::unique_ptr<Provider> provider;
    std::unique_ptr<CallStore> store;
    std::unique_ptr<CallDesk> desk;
    int64_t now = 1'800'000'000'000;
    std::string url = webhook;
    bool ticks = false;
    std::vector<Asked> asked;
    std::vector<proto::InboundMessage> offered;
    std::vector<proto::DeliveryReport> reports;
    std::map<uint64_t, std::string> answers;
    uint64_t last_method = 0;
};

}  // namespace voice
