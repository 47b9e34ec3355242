// The agent of ngrok: started, read, asked for its tunnels, started again.
//
// Promises: its token is in its environment and nowhere else; what it forwards is not recorded; it
// has 30 s to be up. What has no use in being tried again is not. While it looks for its connection
// it goes on, as degraded: it does not end for that, and is not ended. One that has not answered
// for a minute is.
#pragma once

#include <optional>
#include <string>

#include "workers/tunnel/child.h"
#include "workers/tunnel/loopback_get.h"
#include "workers/tunnel/ngrok_words.h"
#include "workers/tunnel/provider.h"

namespace tunnel {

class Ngrok final : public Provider {
  public:
    static constexpr std::chrono::milliseconds start_time{30'000};
    static constexpr std::chrono::milliseconds look_period{5'000};
    static constexpr std::chrono::milliseconds answer_time{2'000};
    static constexpr std::chrono::milliseconds stop_time{2'000};
    static constexpr int most_silent_looks = 3;  // then it is degraded…
    static constexpr int silent_for_good = 12;   // …and then ended

    // `domain`: empty for whatever the account is given.
    Ngrok(ProviderParts parts, std::string domain);

    void start() override;
    void stop(std::function<void()> done) override;

  private:
    Done write_settings() const;
    ChildOrder order() const;
    void read(std::string_view line);
    bool is_the_one(const std::string& url) const;
    void is_back();
    void is_up(const std::string& url);
    void become(TunnelState next);
    void look();
    void looked(bool ok, const std::string& json);
    void ended(int code);
    void start_again(const std::string& why, std::chrono::milliseconds least_wait);

    ProviderParts parts_;
    std::string domain_;
    std::string program_;
    Child child_;
    LoopbackGet api_;
    uint16_t api_port_ = 0;
    int silent_looks_ = 0;
    TunnelState state_;
    int64_t up_since_ms_ = 0;  // monotonic; 0: not yet in this life
    std::optional<NgrokLine> last_error_;
    bool too_late_ = false;
    StartPacing pacing_;
    Loop::Registration timer_;  // the time to be up, or to the next start
    Loop::Registration looks_;
    std::function<void()> stopped_;
};

}  // namespace tunnel
