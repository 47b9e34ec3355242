// A telephone company: how its webhooks are read, what it is answered, and what it is asked for.
//
// Pure: makes requests and reads answers, sends nothing. One class per company in providers/.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "workers/common/https_client.h"
#include "workers/voice/call.h"
#include "workers/voice/signatures.h"

namespace voice {

struct CallEvent {
    enum class Kind {
        none,      // nothing that concerns us
        incoming,  // somebody calls
        ringing,
        answered,
        speech,  // heard whole: `text`
        digits,  // keys pressed: `text`
        said,    // the bot has finished speaking
        asks,    // what is next?
        ended,   // as `end`
    };
    Kind kind = Kind::none;
    // Of the message, where the company names it: the same when it is sent again.
    std::string id;
    std::string call_id;      // ours, where it came along
    std::string provider_id;  // the company's
    std::string from;         // E.164, or empty
    std::string to;
    std::string text;
    // Of speech: the turn that it answers; 0: not said.
    uint32_t turn = 0;
    // The number in the address that it asks by (Call::asked when that was given); 0: not said.
    uint32_t asked = 0;
    CallState end = CallState::completed;
    // The company follows the answer of this request.
    bool wants_step = false;
};

struct WebhookReply {
    int status = 200;
    std::string content_type;
    std::string body;
};

class Provider {
  public:
    virtual ~Provider() = default;

    // See signatures.h.
    virtual Result<Verified> verify(const SignedRequest& request, int64_t now_s) const = 0;
    // Whether it is worth reading the body: the headers of a signature are there. The reason when
    // not.
    virtual Done look_at_head(const SignedRequest& head, int64_t now_s) const = 0;
    // bad_message: no event of this company.
    virtual Result<CallEvent> read(const SignedRequest& request) const = 0;
    // What the request is answered, with the call's step; null: there is no such call, or none is
    // wanted. `webhook`: the public address.
    virtual WebhookReply answer(const Call* call, const std::string& webhook) const = 0;

    // Whether answer() carries the call's step; else perform() always does.
    virtual bool follows_answers() const = 0;
    // Whether the words of a step go with perform(); else the company asks for them.
    virtual bool performs_words() const = 0;
    // Carries the call's step out, in this order; none: nothing is to be done.
    virtual std::vector<HttpsRequest> perform(const Call& call,
                                              const std::string& webhook) const = 0;
    virtual HttpsRequest place(const Call& call, const std::string& webhook) const = 0;
    // The company's id of the call it was asked for; the reason when it refuses.
    virtual Result<std::string> placed(const HttpsAnswer& answer) const = 0;
    virtual HttpsRequest ask_state(const Call& call) const = 0;
    // Whether the answer to that, or to a command, says that the call is over.
    virtual bool says_over(const HttpsAnswer& answer) const = 0;
};

std::unique_ptr<Provider> make_provider(const Settings& settings);

// "https://host/voice/webhook?callId=…&turn=2" of an address and fields.
std::string with_fields(const std::string& webhook,
                        const std::vector<std::pair<std::string, std::string>>& fields);
// "wss://host/voice/stream": on the host of the webhook.
std::string stream_address(const std::string& webhook, const std::string& path);
// "Basic …"
std::string basic_authorization(const std::string& user, const Secret& password);
// What a company, or OpenAI, says about a refusal, for the owner; at most 300 bytes.
std::string refusal_of(const HttpsAnswer& answer);
// Too much is asked at the moment: nothing was done of it, and it may be asked again.
bool is_refused_for_now(int http_status);

// How long a company is told to let a call last: we end it first, and know why. This is for when we
// cannot.
std::chrono::seconds longest_at_company(std::chrono::seconds longest_call);

// Of speech.
inline constexpr size_t longest_heard = 4000;

}  // namespace voice
