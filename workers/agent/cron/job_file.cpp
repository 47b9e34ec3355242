#include "workers/agent/cron/job_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "workers/agent/ids.h"
#include "workers/agent/transcript_archive.h"
#include "workers/agent/transcript_file.h"
#include "workers/common/log.h"

namespace agent {

namespace {

std::string directory_of(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}

Result<std::string> read_whole(const std::string& path) {
    const Result<Fd> file = open_regular(path, O_RDONLY);
    if (!file) return file.error();
    struct stat facts {};
    if (::fstat(file->get(), &facts) != 0) return system_error("cannot read " + path, errno);
    if (static_cast<uint64_t>(facts.st_size) > JobFile::largest)
        return Error{Fault::system, path + " is larger than 16 MiB", EFBIG};
    return read_at(file->get(), 0, static_cast<size_t>(facts.st_size));
}

Json empty_content() {
    return Json{{"version", 1}, {"jobs", Json::array()}};
}

bool is_table_of_jobs(const Json& content) {
    return content.is_object() && member(content, "jobs").is_array();
}

}  // namespace

bool is_job_id(std::string_view text) {
    return is_session_id(text);
}

Done replace_file(const std::string& path, std::string_view text, const std::string& backup) {
    if (::mkdir(directory_of(path).c_str(), 0700) != 0 && errno != EEXIST)
        return system_error("cannot create " + directory_of(path), errno);
    const std::string fresh = path + ".hardshell-new";
    {
        const Fd file(
            ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!file) return system_error("cannot write " + fresh, errno);
        Done done = write_all(file.get(), text, fresh);
        if (done && ::fsync(file.get()) != 0) done = system_error("cannot write " + fresh, errno);
        if (!done) {
            ::unlink(fresh.c_str());
            return done;
        }
    }
    if (!backup.empty()) {
        // A second name for what is there, so that at no moment there is neither.
        const std::string kept = backup + ".hardshell-new";
        ::unlink(kept.c_str());
        if (::link(path.c_str(), kept.c_str()) == 0) ::rename(kept.c_str(), backup.c_str());
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0)
        return system_error("cannot replace " + path, errno);
    return sync_directory(path);
}

Done JobFile::refresh(int64_t now_ms, bool& is_news) {
    const FileStamp stamp = stamp_of(path_);
    if (is_read_ && stamp == stamp_) return {};
    const Result<std::string> text = read_whole(path_);
    if (!text && text.error().sys != ENOENT)
        return Error{text.error().fault, "the cron jobs cannot be read: " + text.error().what,
                     text.error().sys};
    Result<Json> content = text ? read(*text, now_ms) : empty_content();
    if (!content) return content.error();
    if (is_read_ && text) log_info("{} was changed by another program and read again", path_);
    content_ = std::move(*content);
    index();
    // As it was before it was read: a change since is read next time. One put aside is gone.
    const FileStamp after = stamp_of(path_);
    stamp_ = after.size < 0 ? after : stamp;
    is_read_ = is_news = true;
    return {};
}

Result<Json> JobFile::read(const std::string& text, int64_t now_ms) const {
    Result<Json> parsed = parse_json(text);
    if (parsed && is_table_of_jobs(*parsed)) return parsed;
    const std::string why = parsed ? "it has no list of jobs" : parsed.error().what;
    // An editor's or a copying program's work, half done, is not taken from under its hands.
    const int64_t since = now_ms - stamp_of(path_).modified_ns / 1'000'000;
    if (since >= 0 && since < patience_ms)
        return Error{Fault::busy, "the cron jobs cannot be read yet: " + path_ + ": " + why};
    return from_damaged(why, now_ms);
}

Json JobFile::from_damaged(const std::string& why, int64_t now_ms) const {
    const Result<std::string> aside = put_aside(path_, "damaged", now_ms);
    const std::string kept = aside ? "kept as " + *aside : "not kept: " + aside.error().what;
    const Result<std::string> backup = read_whole(path_ + ".bak");
    Result<Json> parsed = backup ? parse_json(*backup) : Result<Json>(backup.error());
    if (parsed && is_table_of_jobs(*parsed)) {
        log_error("{} cannot be read ({}); it is {}, and the {} jobs of {}.bak are used", path_,
                  why, kept, (*parsed)["jobs"].size(), path_);
        return std::move(*parsed);
    }
    log_error(
        "{} cannot be read ({}); it is {}, and there are no cron jobs until they are added "
        "again or the file is repaired and put back",
        path_, why, kept);
    return empty_content();
}

void JobFile::index() {
    jobs_.clear();
    by_id_.clear();
    size_t passed_over = 0;
    for (Json& job : content_["jobs"]) {
        const std::string id = text_member(job, "id");
        if (job.is_object() && is_job_id(id) && by_id_.emplace(id, &job).second)
            jobs_.push_back(&job);
        else
            ++passed_over;
    }
    if (passed_over > 0)
        log_warn("{}: {} entries without an id of their own stay in the file and never run", path_,
                 passed_over);
}

Json* JobFile::find(const std::string& id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

Json& JobFile::add(Json job) {
    const std::string id = text_member(job, "id");
    content_["jobs"].push_back(std::move(job));
    index();
    return *find(id);
}

void JobFile::remove(const std::string& id) {
    Json& jobs = content_["jobs"];
    for (size_t at = 0; at < jobs.size(); ++at)
        if (text_view(jobs[at], "id") == id) {
            jobs.erase(at);
            break;
        }
    index();
}

Done JobFile::save() {
    const std::string text = content_.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    if (text.size() > largest)
        return Error{Fault::out_of_room, "the cron jobs would take more than 16 MiB"};
    const Done done = replace_file(path_, text, path_ + ".bak");
    if (done) stamp_ = stamp_of(path_);
    return done;
}

}  // namespace agent
