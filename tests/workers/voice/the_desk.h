// The desk of calls by Twilio, whose requests are signed as Twilio signs them.
#pragma once

#include "tests/workers/voice/desk_fixture.h"

namespace voice {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class TheDesk : public DeskFixture {
  protected:
    TheDesk() : DeskFixture(ProviderName::twilio, false) {}

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
};

}  // namespace voice
