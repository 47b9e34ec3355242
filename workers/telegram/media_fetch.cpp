#include "workers/telegram/media_fetch.h"

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

MediaFetch::MediaFetch(Loop& loop, BotApi& api, channel::MediaPlace place)
    : loop_(loop), api_(api), place_(std::move(place)) {}

void MediaFetch::fetch(const FileOf& file, Handler handler) {
    const JobOf job = std::make_shared<Job>();
    job->file = file;
    job->handler = std::move(handler);
    if (file.size > place_.most_bytes)
        return loop_.soon(
            [this, job] { decline(job, "larger than " + channel::size_text(place_.most_bytes)); });
    ask_for_path(job);
}

void MediaFetch::ask_for_path(const JobOf& job) {
    ++job->tries;
    api_.call("getFile", {{"file_id", job->file.file_id}}, [this, job](const ApiAnswer& answer) {
        if (answer) return download(job, text_member(answer.result, "file_path"));
        if (answer.failure->kind == ApiFailure::Kind::refused)
            return decline(job, answer.failure->description);
        again(job, answer.failure->description);
    });
}

void MediaFetch::download(const JobOf& job, const std::string& file_path) {
    if (file_path.empty()) return decline(job, "Telegram does not give it out");
    auto file = channel::MediaFile::create(place_);
    if (!file) return decline(job, file.error().what);
    job->stored = std::make_unique<channel::MediaFile>(std::move(*file));
    api_.download(file_path, job->stored->path(), place_.most_bytes, [this, job](const Done& done) {
        if (done) return finish(job);
        job->stored.reset();
        if (done.error().fault == Fault::out_of_room)
            return decline(job, "larger than " + channel::size_text(place_.most_bytes));
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
    job->handler(std::move(attachment));
}

void MediaFetch::decline(const JobOf& job, const std::string& why) {
    log_warn("a file that was sent is not stored: {}", why);
    Attachment attachment = described(job->file);
    attachment.set_note(why);
    job->handler(std::move(attachment));
}

void MediaFetch::again(const JobOf& job, const std::string& why) {
    if (job->tries >= most_tries) return decline(job, "could not be fetched: " + why);
    job->timer = loop_.after(std::chrono::seconds(job->tries), [this, job] { ask_for_path(job); });
}

}  // namespace telegram
