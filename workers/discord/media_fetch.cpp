#include "workers/discord/media_fetch.h"

#include <algorithm>
#include <optional>

#include "workers/common/log.h"

namespace discord {

using hardshell::proto::Attachment;

namespace {

// One that hangs is not to hold those of other channels.
constexpr size_t fetched_at_a_time = 3;
constexpr std::chrono::milliseconds connection_lifetime{5'000};

}  // namespace

class MediaFetch::Fetching final : public MediaFetch::Call {
  public:
    Fetching(MediaFetch& fetch, std::vector<File> files, Handler handler)
        : fetch_(fetch), files_(std::move(files)), handler_(std::move(handler)) {
        deadline_ = fetch_.context_.loop().after(fetch_.options_.patience, [this] { be_late(); });
        soon();
    }

  private:
    void soon() {
        timer_ = fetch_.context_.loop().after(std::chrono::milliseconds(0), [this] { next(); });
    }

    void next() {
        if (done_.size() >= files_.size()) {
            deadline_.reset();
            const Handler handler = std::move(handler_);
            return handler(std::move(done_));  // destroys this, as a rule
        }
        const File& file = files_[done_.size()];
        const uint64_t most = fetch_.options_.place.most_bytes;
        if (done_.size() >= most_files) return decline("more files than are looked at");
        if (is_late_) return decline(too_late());
        if (file.size > most) return decline("larger than " + channel::size_text(most));
        const Result<Endpoint> endpoint = parse_endpoint(file.url);
        const auto& hosts = fetch_.options_.hosts;
        if (!endpoint || !endpoint->is_tls() ||
            std::find(hosts.begin(), hosts.end(), endpoint->host) == hosts.end())
            return decline("not stored with Discord");
        Result<channel::MediaFile> place = channel::MediaFile::create(fetch_.options_.place);
        if (!place) return decline(place.error().what);
        place_.emplace(std::move(*place));
        HttpsRequest request;
        request.url = file.url;
        request.total_timeout = fetch_.options_.patience;
        request.largest_answer = most;
        request.into_file = place_->path();
        call_ = fetch_.https_.start(std::move(request),
                                    [this](HttpsOutcome outcome) { fetched(outcome); });
    }

    void fetched(const HttpsOutcome& outcome) {
        const File& file = files_[done_.size()];
        if (!outcome.answer) {
            const Error& error = outcome.answer.error();
            return decline(error.fault == Fault::out_of_room
                               ? "larger than " +
                                     channel::size_text(fetch_.options_.place.most_bytes)
                               : "could not be fetched: " + error.what);
        }
        if (outcome.answer->status != 200)
            return decline("could not be fetched: status " +
                           std::to_string(outcome.answer->status));
        const Result<channel::StoredMedia> stored = place_->finish(file.type, file.name);
        if (!stored) return decline(stored.error().what);
        Attachment made = about(file);
        made.set_path(stored->path);
        made.set_mime_type(stored->mime_type);
        made.set_size(stored->size);
        finish(std::move(made));
    }

    void be_late() {
        is_late_ = true;
        if (call_) decline(too_late());
    }
    std::string too_late() const {
        return "could not be fetched within " +
               std::to_string(fetch_.options_.patience.count() / 1'000) + " s";
    }

    static Attachment about(const File& file) {
        Attachment made;
        made.set_file_name(file.name);
        made.set_mime_type(file.type);
        made.set_size(file.size);
        return made;
    }
    void decline(const std::string& why) {
        const File& file = files_[done_.size()];
        log_info("a file of {} was not stored: {}", channel::size_text(file.size), why);
        Attachment made = about(file);
        made.set_note(why);
        finish(std::move(made));
    }
    void finish(Attachment made) {
        call_.reset();
        place_.reset();
        done_.push_back(std::move(made));
        soon();
    }

    MediaFetch& fetch_;
    std::vector<File> files_;
    Handler handler_;
    Attachments done_;
    std::optional<channel::MediaFile> place_;
    std::unique_ptr<HttpsCall> call_;
    Loop::Registration timer_;
    Loop::Registration deadline_;
    bool is_late_ = false;
};

MediaFetch::MediaFetch(ClientContext& context, Options options)
    : context_(context),
      options_(std::move(options)),
      https_(context, {fetched_at_a_time, connection_lifetime}) {}

std::unique_ptr<MediaFetch::Call> MediaFetch::start(const std::vector<File>& files,
                                                    Handler handler) {
    return std::make_unique<Fetching>(*this, files, std::move(handler));
}

}  // namespace discord
