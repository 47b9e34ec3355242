// One tunnel: a vendor's agent that is kept running and says under which address it is reached.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "proto/supervisor_worker.pb.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"
#include "workers/common/base/secret.h"

namespace tunnel {

// What it is now. `url` is an origin; `problem` a sentence for the owner.
struct TunnelState {
    hardshell::proto::PublicUrl::State state = hardshell::proto::PublicUrl::DOWN;
    std::string url;
    std::string problem;

    bool operator==(const TunnelState&) const = default;
};

struct ProviderEvents {
    // After each change.
    std::function<void(const TunnelState&)> changed;
    // Trying again would not help: the owner has to do what it says. Nothing is done after that.
    std::function<void(const Error&)> fatal;
};

// What a provider is started with.
struct ProviderParts {
    Loop& loop;
    // Where the tunnel leads: a port of 127.0.0.1.
    uint16_t port = 0;
    // What its programs find in their environment, besides what each needs of its own.
    std::map<std::string, std::string> environment = {};
    // Directories in which its programs are looked for, with colons between.
    std::string path = {};
    // Of this worker, below the state directory, which is the current one; and absolute.
    std::string folder = "tunnel";
    std::string absolute_folder = {};
    // Other processes of this machine reach its loopback addresses: then nothing may listen there
    // that trusts whoever comes.
    bool loopback_is_shared = false;
    Secret secret = {};
    ProviderEvents events = {};
};

class Provider {
  public:
    virtual ~Provider() = default;
    virtual void start() = 0;
    // `done` once nothing of it is public any more, and its processes have ended.
    virtual void stop(std::function<void()> done) = 0;
};

// Between two starts: 1 s, doubled to 60 s; from the beginning after a stable time.
class StartPacing {
  public:
    static constexpr std::chrono::milliseconds shortest{1'000};
    static constexpr std::chrono::milliseconds longest{60'000};
    static constexpr int64_t stable_ms = 60'000;

    // How long to wait, after a life that was up for so long.
    std::chrono::milliseconds after(int64_t up_ms) {
        if (up_ms >= stable_ms) next_ = shortest;
        const auto wait = next_;
        next_ = std::min(next_ * 2, longest);
        return wait;
    }

  private:
    std::chrono::milliseconds next_ = shortest;
};

}  // namespace tunnel
