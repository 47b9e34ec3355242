// Fetches the files of a message into the state directory, one after the other, for as long as
// those who write behind it can wait.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proto/channel_agent.pb.h"
#include "workers/common/channel/media.h"
#include "workers/common/https_client.h"
#include "workers/discord/events.h"

namespace discord {

class MediaFetch {
  public:
    struct Options {
        channel::MediaPlace place;
        // Nothing is fetched from anywhere else: a message's author chooses the addresses.
        std::vector<std::string> hosts;
        std::chrono::milliseconds patience{30'000};  // with all files of a message
    };
    static constexpr size_t most_files = 10;

    // Destroying it cancels.
    class Call {
      public:
        virtual ~Call() = default;
    };
    using Attachments = std::vector<hardshell::proto::Attachment>;
    using Handler = std::function<void(Attachments)>;

    MediaFetch(ClientContext& context, Options options);
    // Never calls the handler from within; each file is in the answer, stored or with a note why
    // not.
    std::unique_ptr<Call> start(const std::vector<File>& files, Handler handler);

  private:
    class Fetching;

    ClientContext& context_;
    Options options_;
    HttpsClient https_;
};

}  // namespace discord
