// Fetches what people send and stores it below the state directory.
//
// Every file ends as an attachment, soon enough for who waits behind it: stored, or with a note for
// the model why not.
#pragma once

#include <functional>
#include <memory>

#include "proto/channel_agent.pb.h"
#include "workers/common/base/loop.h"
#include "workers/common/channel/media.h"
#include "workers/telegram/bot_api.h"
#include "workers/telegram/pace.h"
#include "workers/telegram/update.h"

namespace telegram {

class MediaFetch {
  public:
    using Handler = std::function<void(hardshell::proto::Attachment)>;
    struct Options {
        channel::MediaPlace place;
        int most_tries = 3;
        std::chrono::milliseconds patience{30'000};  // with one file, from all tries
    };
    MediaFetch(Loop& loop, BotApi& api, Pace& pace, Options options);

    // Never calls the handler from within.
    void fetch(const FileOf& file, Handler handler);

  private:
    struct Job {
        FileOf file;
        Handler handler;
        int tries = 0;
        std::unique_ptr<channel::MediaFile> stored;
        BotApi::CallId call = 0;
        Loop::Registration timer;
        Loop::Registration deadline;
    };
    using JobOf = std::shared_ptr<Job>;  // shared with the call or timer that goes on with it

    void ask_for_path(const JobOf& job);
    void download(const JobOf& job, const std::string& file_path);
    void finish(const JobOf& job);
    void decline(const JobOf& job, const std::string& why);
    void again(const JobOf& job, const std::string& why, std::chrono::milliseconds wait = {});
    void give_up(const JobOf& job);

    Loop& loop_;
    BotApi& api_;
    Pace& pace_;
    Options options_;
};

}  // namespace telegram
