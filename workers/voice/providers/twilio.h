// Twilio: TwiML in answers and in updates of live calls.
//
// twilio.com/docs/voice: /twiml, /api/call-resource.
#pragma once

#include "workers/voice/provider.h"

namespace voice {

class Twilio final : public Provider {
  public:
    explicit Twilio(const Settings& settings);

    Result<Verified> verify(const SignedRequest& request, int64_t now_s) const override;
    Done look_at_head(const SignedRequest& head, int64_t now_s) const override;
    Result<CallEvent> read(const SignedRequest& request) const override;
    WebhookReply answer(const Call* call, const std::string& webhook) const override;
    bool follows_answers() const override { return true; }
    bool performs_words() const override { return true; }
    std::vector<HttpsRequest> perform(const Call& call, const std::string& webhook) const override;
    HttpsRequest place(const Call& call, const std::string& webhook) const override;
    Result<std::string> placed(const HttpsAnswer& answer) const override;
    HttpsRequest ask_state(const Call& call) const override;
    bool says_over(const HttpsAnswer& answer) const override;

  private:
    std::string twiml(const Call& call, const std::string& webhook) const;
    HttpsRequest request(const std::string& method, const std::string& path,
                         const std::string& form) const;

    std::string url_;
    std::string account_;
    Secret token_;
    std::string stream_path_;
    int64_t ring_seconds_;
    int64_t longest_seconds_;
    int64_t hang_up_delay_;
};

}  // namespace voice
