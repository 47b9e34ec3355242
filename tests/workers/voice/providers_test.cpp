// What the companies send, and what they are answered and asked for.

#include <gmock/gmock.h>

#include "workers/voice/form.h"
#include "workers/voice/provider.h"

namespace voice {

namespace {

using Kind = CallEvent::Kind;
using testing::HasSubstr;
using testing::Not;

constexpr const char* webhook = "https://example.com/voice/webhook";

Settings settings_for(ProviderName provider) {
    Settings settings;
    settings.provider = provider;
    settings.account = "AC 1";
    settings.key = Secret("key");
    settings.api_url = "https://api.example";
    settings.from_number = "+15550002222";
    return settings;
}

Call call_with(Step step) {
    Call call;
    call.id = "call-1";
    call.provider_id = "CA1";
    call.from = "+15550002222";
    call.to = "+15550001111";
    call.turn = 2;
    call.asked = 7;
    call.step = std::move(step);
    return call;
}

std::string body_of(const HttpsRequest& request) {
    return request.body.empty() ? "" : request.body[0].bytes;
}

std::string header_of(const HttpsRequest& request, const std::string& name) {
    for (const auto& [known, value] : request.headers)
        if (known == name) return value;
    return {};
}

SignedRequest form(const std::string& query, const std::string& body) {
    return {webhook, query, body, {}};
}

SignedRequest telnyx_event(const std::string& type, const std::string& payload) {
    return {webhook,
            "",
            R"({"data":{"event_type":")" + type + R"(","payload":{"call_control_id":"cc1",)" +
                payload + "}}}",
            {}};
}

struct FormRow {
    const char* query;
    const char* body;
    Kind kind;
    const char* text;
    bool wants_step;
};

}  // namespace

TEST(Twilio, SaysWhatHappened) {
    const auto twilio = make_provider(settings_for(ProviderName::twilio));
    const FormRow rows[] = {
        // query, form, event, text, wants a step
        {"", "CallSid=CA1&CallStatus=ringing&Direction=inbound", Kind::incoming, "", true},
        {"callId=c", "CallSid=CA1&CallStatus=in-progress&Direction=outbound-api", Kind::answered,
         "", true},
        {"callId=c&type=status", "CallSid=CA1&CallStatus=ringing", Kind::ringing, "", false},
        {"callId=c&type=status", "CallSid=CA1&CallStatus=in-progress", Kind::answered, "", false},
        {"callId=c&type=status", "CallSid=CA1&CallStatus=initiated", Kind::none, "", false},
        {"callId=c&type=status", "CallSid=CA1&CallStatus=no-answer", Kind::ended, "", false},
        {"", "CallSid=CA1&CallStatus=completed&Direction=inbound", Kind::ended, "", true},
        {"callId=c&turn=2",
         "CallSid=CA1&CallStatus=in-progress&SpeechResult=hi+there&Confidence=0.9", Kind::speech,
         "hi there", true},
        {"callId=c&turn=2", "CallSid=CA1&CallStatus=in-progress&Digits=12", Kind::digits, "12",
         true},
        // Without a turn it answers no question of ours.
        {"callId=c", "CallSid=CA1&CallStatus=in-progress&SpeechResult=hi", Kind::answered, "",
         true},
    };
    for (const FormRow& row : rows) {
        const auto event = twilio->read(form(row.query, row.body));
        ASSERT_TRUE(event) << row.body;
        EXPECT_EQ(event->kind, row.kind) << row.query << " " << row.body;
        EXPECT_EQ(event->text, row.text);
        EXPECT_EQ(event->wants_step, row.wants_step);
        EXPECT_EQ(event->provider_id, "CA1");
    }
    for (const char* wrong : {"", "CallSid=", "CallSid=../x", "CallSid=CA1%00"})
        EXPECT_FALSE(twilio->read(form("", wrong))) << wrong;
}

TEST(Twilio, AnswersWithTheStep) {
    const auto twilio = make_provider(settings_for(ProviderName::twilio));
    const auto body = [&](Step step) {
        const Call call = call_with(std::move(step));
        const WebhookReply reply = twilio->answer(&call, webhook);
        EXPECT_EQ(reply.content_type, "application/xml");
        return reply.body;
    };
    EXPECT_THAT(body({Step::Kind::reject, {}}), HasSubstr("<Response><Reject/></Response>"));
    EXPECT_THAT(body({Step::Kind::reject_busy, {}}), HasSubstr("<Reject reason=\"busy\"/>"));
    EXPECT_THAT(body({Step::Kind::hang_up, {}}), HasSubstr("<Response><Hangup/></Response>"));
    const std::string again = "https://example.com/voice/webhook?callId=call-1&amp;turn=2&amp;n=7";
    EXPECT_THAT(body({Step::Kind::say_and_listen, "Fish & chips"}),
                HasSubstr("<Gather input=\"speech\" speechTimeout=\"auto\" action=\"" + again +
                          "\" method=\"POST\"><Say voice=\"Polly.Joanna\">Fish &amp; "
                          "chips</Say></Gather><Redirect method=\"POST\">" +
                          again + "</Redirect>"));
    EXPECT_THAT(body({Step::Kind::wait, {}}),
                HasSubstr("<Pause length=\"10\"/><Redirect method=\"POST\">" + again));
    EXPECT_THAT(body({Step::Kind::say_and_hang_up, "Bye"}),
                HasSubstr("<Say voice=\"Polly.Joanna\">Bye</Say><Pause length=\"3\"/><Hangup/>"));
    EXPECT_THAT(body({Step::Kind::say_and_hang_up, "</Say><Dial>1</Dial>"}),
                Not(HasSubstr("<Dial>")));
    EXPECT_THAT(twilio->answer(nullptr, webhook).body, HasSubstr("<Response/>"));
}

TEST(Twilio, IsAskedForACall) {
    const auto twilio = make_provider(settings_for(ProviderName::twilio));
    const HttpsRequest request = twilio->place(call_with({}), webhook);
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url, "https://api.example/2010-04-01/Accounts/AC%201/Calls.json");
    EXPECT_EQ(header_of(request, "authorization"), basic_authorization("AC 1", Secret("key")));
    const auto fields = read_form(body_of(request));
    ASSERT_TRUE(fields);
    EXPECT_EQ(value_of(*fields, "To"), "+15550001111");
    EXPECT_EQ(value_of(*fields, "From"), "+15550002222");
    EXPECT_EQ(value_of(*fields, "Url"), std::string(webhook) + "?callId=call-1");
    EXPECT_EQ(value_of(*fields, "StatusCallback"),
              std::string(webhook) + "?callId=call-1&type=status");
    EXPECT_EQ(value_of(*fields, "Timeout"), "30");
    EXPECT_EQ(value_of(*fields, "TimeLimit"), "330") << "the owner's 300 seconds, and ours first";
    EXPECT_EQ(std::count_if(fields->begin(), fields->end(),
                            [](const auto& f) { return f.first == "StatusCallbackEvent"; }),
              4);
    EXPECT_EQ(*twilio->placed({201, {}, R"({"sid":"CA9","status":"queued"})", 0}), "CA9");
    const auto refused = twilio->placed({400, {}, R"({"code":21211,"message":"Invalid To"})", 0});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().what, HasSubstr("HTTP 400: Invalid To"));
    EXPECT_FALSE(twilio->placed({201, {}, R"({"sid":"../../x"})", 0}));
    EXPECT_FALSE(twilio->placed({200, {}, "not json", 0}));
}

TEST(Twilio, IsToldInALiveCall) {
    const auto twilio = make_provider(settings_for(ProviderName::twilio));
    const auto told = [&](Step step) {
        const auto requests = twilio->perform(call_with(std::move(step)), webhook);
        EXPECT_EQ(requests.size(), 1u);
        EXPECT_EQ(requests[0].url, "https://api.example/2010-04-01/Accounts/AC%201/Calls/CA1.json");
        return *read_form(body_of(requests[0]));
    };
    EXPECT_THAT(std::string(value_of(told({Step::Kind::say_and_listen, "Hi"}), "Twiml")),
                HasSubstr(">Hi</Say>"));
    EXPECT_EQ(value_of(told({Step::Kind::hang_up, {}}), "Status"), "completed");
    Call unknown = call_with({Step::Kind::hang_up, {}});
    unknown.provider_id.clear();
    EXPECT_TRUE(twilio->perform(unknown, webhook).empty());
    EXPECT_TRUE(twilio->says_over({404, {}, "", 0}));
    EXPECT_TRUE(twilio->says_over({200, {}, R"({"status":"completed"})", 0}));
    EXPECT_FALSE(twilio->says_over({200, {}, R"({"status":"in-progress"})", 0}));
    EXPECT_FALSE(twilio->says_over({500, {}, "", 0}));
}

TEST(Telnyx, SaysWhatHappened) {
    Settings settings = settings_for(ProviderName::telnyx);
    const auto telnyx = make_provider(settings);
    struct Row {
        const char* type;
        const char* payload;
        Kind kind;
        const char* text;
    };
    const Row rows[] = {
        {"call.initiated", R"("direction":"incoming","from":"+15550001111")", Kind::incoming, ""},
        {"call.initiated", R"("direction":"outgoing")", Kind::ringing, ""},
        {"call.answered", R"("x":1)", Kind::answered, ""},
        {"call.speak.ended", R"("x":1)", Kind::said, ""},
        {"call.transcription",
         R"("transcription_data":{"transcript":"hi","is_final":true,"confidence":0.9})",
         Kind::speech, "hi"},
        {"call.transcription", R"("transcription_data":{"transcript":"h","is_final":false})",
         Kind::none, "h"},
        // Where another program looked for it.
        {"call.transcription", R"("transcription":"hi")", Kind::none, ""},
        {"call.dtmf.received", R"("digit":"5")", Kind::digits, "5"},
        {"call.hangup", R"("hangup_cause":"user_busy")", Kind::ended, ""},
        {"call.machine.detection.ended", R"("x":1)", Kind::none, ""},
    };
    for (const Row& row : rows) {
        const auto event = telnyx->read(telnyx_event(row.type, row.payload));
        ASSERT_TRUE(event) << row.type;
        EXPECT_EQ(event->kind, row.kind) << row.type << row.payload;
        EXPECT_EQ(event->text, row.text);
        EXPECT_EQ(event->provider_id, "cc1");
        EXPECT_FALSE(event->wants_step);
    }
    EXPECT_EQ(telnyx->read(telnyx_event("call.hangup", R"("hangup_cause":"user_busy")"))->end,
              CallState::busy);
    EXPECT_EQ(telnyx->read(telnyx_event("call.answered", R"("client_state":"Y2FsbC0x")"))->call_id,
              "call-1");
    for (const char* wrong : {"", "[]", "{}", R"({"data":{"payload":{}}})", "{\"data\":"})
        EXPECT_FALSE(telnyx->read({webhook, "", wrong, {}})) << wrong;
}

TEST(Telnyx, IsToldWhatToDo) {
    const auto telnyx = make_provider(settings_for(ProviderName::telnyx));
    const auto verbs = [&](Step::Kind kind, bool is_transcribed) {
        Call call = call_with({kind, "Hi"});
        call.is_transcribed = is_transcribed;
        std::string all;
        for (const HttpsRequest& request : telnyx->perform(call, webhook)) {
            EXPECT_EQ(header_of(request, "authorization"), "Bearer key");
            EXPECT_THAT(body_of(request), HasSubstr(R"("client_state":"Y2FsbC0x")"));
            all += request.url.substr(request.url.rfind('/') + 1) + " ";
        }
        return all;
    };
    EXPECT_EQ(verbs(Step::Kind::take, false), "answer ");
    EXPECT_EQ(verbs(Step::Kind::reject, false), "reject ");
    EXPECT_EQ(verbs(Step::Kind::say_and_listen, false), "transcription_start speak ");
    EXPECT_EQ(verbs(Step::Kind::say_and_listen, true), "speak ");
    EXPECT_EQ(verbs(Step::Kind::hang_up, true), "hangup ");
    EXPECT_EQ(verbs(Step::Kind::wait, true), "");
    // A command of the same name does nothing; hanging up may be repeated.
    const auto name_of_command = [&](Step::Kind kind) {
        const auto requests = telnyx->perform(call_with({kind, "Hi"}), webhook);
        return text_member(*parse_json(body_of(requests.back())), "command_id");
    };
    EXPECT_EQ(name_of_command(Step::Kind::say_and_listen), "call-1-2-speak");
    EXPECT_EQ(name_of_command(Step::Kind::hang_up), "");
    const Json placed = *parse_json(body_of(telnyx->place(call_with({}), webhook)));
    EXPECT_EQ(placed["connection_id"], "AC 1");
    EXPECT_EQ(placed["webhook_url"], webhook);
    EXPECT_EQ(placed["timeout_secs"], 30);
    EXPECT_EQ(placed["time_limit_secs"], 330);
    EXPECT_EQ(*telnyx->placed({200, {}, R"({"data":{"call_control_id":"cc"}})", 0}), "cc");
    EXPECT_THAT(telnyx->placed({422, {}, R"({"errors":[{"detail":"no credit"}]})", 0}).error().what,
                HasSubstr("no credit"));
    EXPECT_TRUE(telnyx->says_over({404, {}, "", 0}));
    EXPECT_TRUE(telnyx->says_over({422, {}, R"({"errors":[{"code":"90018"}]})", 0}));
    EXPECT_TRUE(telnyx->says_over({200, {}, R"({"data":{"is_alive":false}})", 0}));
    EXPECT_FALSE(telnyx->says_over({422, {}, R"({"errors":[{"code":"90034"}]})", 0}));
    EXPECT_FALSE(telnyx->says_over({500, {}, "no JSON", 0}));
}

TEST(LongestCall, IsKnownToTheCompanyWithinWhatItAllows) {
    EXPECT_EQ(longest_at_company(std::chrono::seconds(1)).count(), 31);
    EXPECT_EQ(longest_at_company(std::chrono::hours(24)).count(), 14'400);
}

TEST(Plivo, SaysWhatHappened) {
    const auto plivo = make_provider(settings_for(ProviderName::plivo));
    const FormRow rows[] = {
        {"", "CallUUID=u-1&Direction=inbound&From=15550001111&CallStatus=ringing", Kind::incoming,
         "", true},
        {"flow=answer&callId=c", "CallUUID=u-1&CallStatus=in-progress", Kind::answered, "", true},
        {"flow=getinput&callId=c&turn=2", "CallUUID=u-1&Speech=hi+there", Kind::speech, "hi there",
         true},
        {"flow=getinput&callId=c&turn=2", "CallUUID=u-1&Digits=7", Kind::digits, "7", true},
        {"flow=getinput&callId=c&turn=2", "CallUUID=u-1", Kind::asks, "", true},
        {"flow=xml-speak&callId=c", "CallUUID=u-1&CallStatus=in-progress", Kind::asks, "", true},
        {"flow=hangup&callId=c", "CallUUID=u-1&CallStatus=busy", Kind::ended, "", true},
    };
    for (const FormRow& row : rows) {
        const auto event = plivo->read(form(row.query, row.body));
        ASSERT_TRUE(event) << row.body;
        EXPECT_EQ(event->kind, row.kind) << row.query << " " << row.body;
        EXPECT_EQ(event->text, row.text);
    }
    EXPECT_EQ(plivo->read(form("", rows[0].body))->from, "+15550001111");
    EXPECT_FALSE(plivo->read(form("", "CallUUID=a/b")));
}

TEST(Plivo, IsAnsweredAndToldByAddresses) {
    const auto plivo = make_provider(settings_for(ProviderName::plivo));
    const Call call = call_with({Step::Kind::say_and_listen, "Hi"});
    const WebhookReply reply = plivo->answer(&call, webhook);
    EXPECT_EQ(reply.content_type, "text/xml");
    EXPECT_THAT(reply.body, HasSubstr("<Speak language=\"en-US\">Hi</Speak></GetInput>"));
    EXPECT_THAT(reply.body, HasSubstr("provider=plivo&amp;flow=getinput&amp;callId=call-1&amp;"
                                      "turn=2&amp;n=7"));
    const auto requests = plivo->perform(call, webhook);
    ASSERT_EQ(requests.size(), 1u);
    EXPECT_EQ(requests[0].url, "https://api.example/v1/Account/AC%201/Call/CA1/");
    const Json body = *parse_json(body_of(requests[0]));
    EXPECT_EQ(body["legs"], "aleg");
    EXPECT_THAT(body["aleg_url"].get<std::string>(), HasSubstr("flow=xml-speak&callId=call-1"));
    const auto ends = plivo->perform(call_with({Step::Kind::hang_up, {}}), webhook);
    ASSERT_EQ(ends.size(), 1u);
    EXPECT_EQ(ends[0].method, "DELETE");
    const Json placed = *parse_json(body_of(plivo->place(call, webhook)));
    EXPECT_EQ(placed["to"], "15550001111");
    EXPECT_THAT(placed["answer_url"].get<std::string>(), HasSubstr("flow=answer"));
    EXPECT_THAT(placed["hangup_url"].get<std::string>(), HasSubstr("flow=hangup"));
    EXPECT_EQ(placed["time_limit"], 330);
    EXPECT_TRUE(plivo->placed({201, {}, R"({"request_uuid":"r-1"})", 0}));
    EXPECT_TRUE(plivo->placed({201, {}, R"({"request_uuid":["r-1"]})", 0}));
    EXPECT_FALSE(plivo->placed({401, {}, R"({"error":"no such user"})", 0}));
}

}  // namespace voice
