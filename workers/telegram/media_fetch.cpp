#include "workers/telegram/media_fetch.h"

#include <algorithm>

#include "workers/common/base/clock.h"
#include "workers/common/log.h"

namespace telegram {

using hardshell::proto::Attachment;

namespace {

Attachment described(const FileOf& file) {
    Attachment attachment;
    attachment.set_mime_type(file.mime_type);
    attachment.set_file_name(file.name);
    attachment.set_size(file.size);
    return attachment;
}

}  // namespace

MediaFetch::MediaFetch(Loop& loop, BotApi& api, Pace& pace, Options options)
    : loop_(loop), api_(api), pace_(pace), options_(std::move(options)) {}

void MediaFetch::fetch(const FileOf& file, Handler handler) {
    const JobOf job = std::make_shared<Job>();
    job->file = file;
    job->handler = std::move(handler);
    const uint64_t most = options_.place.most_bytes;
    if (file.size > most)
        return loop_.soon(
            [this, job, most] { decline(job, "larger than " + channel::size_text(most)); });
    job->deadline = loop_.after(options_.patience, [this, open = std::weak_ptr<Job>(job)] {
        if (const JobOf stuck = open.lock()) give_up(stuck);
    });
    ask_for_path(job);
}

void MediaFetch::ask_for_path(const JobOf& job) {
    const std::chrono::milliseconds wait = pace_.wait_for_call(monotonic_ms());
    if (wait.count() > 0) {
        job->timer = loop_.after(wait, [this, job] { ask_for_path(job); });
        return;
    }
    pace_.called(monotonic_ms());
    ++job->tries;
    job->call = api_.call("getFile", {{"file_id", job->file.file_id}},
                          [this, job](const ApiAnswer& answer) {
                              if (answer)
                                  return download(job, text_member(answer.result, "file_path"));
                              if (answer.failure->kind == ApiFailure::Kind::refused)
                                  return decline(job, answer.failure->description);
                              again(job, answer.failure->description, answer.failure->retry_after);
                          });
}

void MediaFetch::download(const JobOf& job, const std::string& file_path) {
    if (file_path.empty()) return decline(job, "Telegram does not give it out");
    auto file = channel::MediaFile::create(options_.place);
    if (!file) return decline(job, file.error().what);
    job->stored = std::make_unique<channel::MediaFile>(std::move(*file));
    const uint64_t most = options_.place.most_bytes;
    job->call =
        api_.download(file_path, job->stored->path(), most, [this, job, most](const Done& done) {
            if (done) return finish(job);
            job->stored.reset();
            if (done.error().fault == Fault::out_of_room)
                return decline(job, "larger than " + channel::size_text(most));
            again(job, done.error().what);
        });
}

void MediaFetch::finish(const JobOf& job) {
    const auto stored = job->stored->finish(job->file.mime_type, job->file.name);
    if (!stored) return decline(job, stored.error().what);
    Attachment attachment = described(job->file);
    attachment.set_path(stored->path);
    attachment.set_mime_type(stored->mime_type);
    attachment.set_size(stored->size);
    job->deadline.reset();
    job->handler(std::move(attachment));
}

void MediaFetch::decline(const JobOf& job, const std::string& why) {
    log_warn("a file that was sent is not stored: {}", why);
    Attachment attachment = described(job->file);
    attachment.set_note(why);
    job->deadline.reset();
    job->handler(std::move(attachment));
}

void MediaFetch::again(const JobOf& job, const std::string& why, std::chrono::milliseconds wait) {
    if (job->tries >= options_.most_tries) return decline(job, "could not be fetched: " + why);
    wait = std::max<std::chrono::milliseconds>(wait, std::chrono::seconds(job->tries));
    job->timer = loop_.after(wait, [this, job] { ask_for_path(job); });
}

// Whoever wrote something behind it has waited long enough.
void MediaFetch::give_up(const JobOf& job) {
    api_.cancel(job->call);
    job->timer.reset();
    job->stored.reset();
    decline(job, "could not be fetched within " +
                     std::to_string(options_.patience.count() / 1'000) + " s");
}

}  // namespace telegram
