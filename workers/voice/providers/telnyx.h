// Telnyx: events in, commands out (Call Control, version 2).
//
// developers.telnyx.com: /docs/voice/programmable-voice, /api/call-control.
#pragma once

#include "workers/voice/provider.h"

namespace voice {

class Telnyx final : public Provider {
  public:
    explicit Telnyx(const Settings& settings);

    Result<Verified> verify(const SignedRequest& request, int64_t now_s) const override;
    Done look_at_head(const SignedRequest& head, int64_t now_s) const override;
    Result<CallEvent> read(const SignedRequest& request) const override;
    WebhookReply answer(const Call* call, const std::string& webhook) const override;
    bool follows_answers() const override { return false; }
    bool performs_words() const override { return true; }
    std::vector<HttpsRequest> perform(const Call& call, const std::string& webhook) const override;
    HttpsRequest place(const Call& call, const std::string& webhook) const override;
    Result<std::string> placed(const HttpsAnswer& answer) const override;
    HttpsRequest ask_state(const Call& call) const override;
    bool says_over(const HttpsAnswer& answer) const override;

  private:
    HttpsRequest request(const std::string& method, const std::string& path,
                         const Json& body) const;
    HttpsRequest command(const Call& call, const std::string& verb, Json body) const;

    std::string url_;
    std::string connection_;
    Secret key_;
    std::string public_key_;
    int64_t ring_seconds_;
    int64_t longest_seconds_;
};

}  // namespace voice
