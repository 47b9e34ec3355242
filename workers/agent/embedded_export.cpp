// The part of the embedded store that keeps sessions.json in step.
//
// A large index takes the better part of a second to write, so it is written in slices between
// which the loop goes on. What changes meanwhile counts as not written.

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <utility>

#include "workers/agent/embedded_store.h"
#include "workers/common/base/clock.h"
#include "workers/common/log.h"

namespace agent {

namespace {

constexpr int64_t export_rests = 20;  // for each millisecond of work
constexpr std::chrono::milliseconds between_slices{4};
constexpr std::chrono::milliseconds no_limit{3'600'000};
constexpr size_t looks_at_clock = 64;  // sessions
constexpr int most_tries_at_end = 20;

// Of this thread: a slow disk makes no store large.
int64_t processor_ms() {
    timespec spent{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return spent.tv_sec * 1000 + spent.tv_nsec / 1'000'000;
}

}  // namespace

void EmbeddedStore::export_soon(const std::string& agent) {
    to_export_.insert(agent);
    schedule_export();
}

void EmbeddedStore::schedule_export() {
    if (export_timer_ || export_) return;
    export_timer_ = loop_.after(export_pause_, [this] {
        round_ = std::exchange(to_export_, {});
        export_slice(options_.export_slice);
    });
}

// One index after the other; those that fail come with the next round.
void EmbeddedStore::export_slice(std::chrono::milliseconds longest) {
    export_timer_.reset();
    const int64_t begun = processor_ms();
    const int64_t until = monotonic_ms() + longest.count();
    while (export_ || !round_.empty()) {
        if (!export_) {
            const std::string agent = *round_.begin();
            round_.erase(round_.begin());
            const Done done = begin_export(agent);
            if (!done) {
                export_ended(agent, done);
                continue;
            }
        }
        const Result<bool> whole = write_until(until);
        if (whole && !*whole) break;
        const Done done = whole ? finish_export() : Done(whole.error());
        const std::string agent = export_->agent;
        export_.reset();
        export_ended(agent, done);
    }
    export_spent_ms_ += processor_ms() - begun;
    if (export_) {
        export_timer_ =
            loop_.after(between_slices, [this] { export_slice(options_.export_slice); });
        return;
    }
    export_pause_ =
        std::max(export_delay, std::chrono::milliseconds(export_rests * export_spent_ms_));
    export_spent_ms_ = 0;
    if (!to_export_.empty()) schedule_export();
}

// busy while a stock tool holds the lock.
Done EmbeddedStore::begin_export(const std::string& agent) {
    const std::string path = index_path(agent);
    FileStamp seen;
    {
        const Result<SessionsLock> lock = SessionsLock::take(path, options_.now_ms());
        if (!lock) return lock.error();
        refresh(agent);
        seen = stamp_of(path);
    }
    Result<std::map<std::string, int64_t>> deletions = database_->deletions(agent);
    if (!deletions) return deletions.error();
    if (const Done done = database_->begin_export(agent); !done) return done;
    Result<SessionsFile> file = SessionsFile::begin(path);
    if (!file) return file.error();
    export_.emplace(Export{agent, seen, std::move(*deletions), std::move(*file), 0});
    return {};
}

// False when the time is over before all is written.
Result<bool> EmbeddedStore::write_until(int64_t until_ms) {
    size_t written = 0;
    const Result<Database::Texts> seen = database_->visit_texts(
        export_->agent, export_->row, [&](const std::string& key, const std::string& entry) {
            export_->file.add(key, entry);
            return ++written % looks_at_clock != 0 || monotonic_ms() < until_ms;
        });
    if (!seen) return seen.error();
    export_->row = seen->row;
    return seen->is_end;
}

Done EmbeddedStore::finish_export() {
    if (const Done done = export_->file.complete(); !done) return done;
    const std::string path = index_path(export_->agent);
    const Result<SessionsLock> lock = SessionsLock::take(path, options_.now_ms());
    if (!lock) return lock.error();
    // A stock tool's change would be lost: it is taken in first, and all is written anew.
    if (stamp_of(path) != export_->seen) return Error{Fault::busy, path + " was changed meanwhile"};
    keep_unreadable(export_->agent);
    const Result<FileStamp> stamp = export_->file.replace();
    if (!stamp) return stamp.error();
    exchanged_[export_->agent] = *stamp;
    return database_->exported(export_->agent, *stamp, export_->deletions);
}

void EmbeddedStore::export_ended(const std::string& agent, const Done& done) {
    if (done) {
        if (export_trouble_.erase(agent) > 0)
            log_info("sessions.json of agent {} is written again", agent);
        return;
    }
    to_export_.insert(agent);
    // Tried again and again; said once.
    if (done.error().fault == Fault::busy || export_trouble_[agent] == done.error().what) return;
    export_trouble_[agent] = done.error().what;
    log_warn("sessions.json of agent {} was not written: {}", agent, done.error().what);
}

// Not thrown away: an owner may want to see what became of it.
void EmbeddedStore::keep_unreadable(const std::string& agent) {
    if (unreadable_.erase(agent) == 0) return;
    const std::string path = index_path(agent);
    const std::string kept = path + ".unreadable-" + std::to_string(options_.now_ms());
    if (::rename(path.c_str(), kept.c_str()) == 0)
        log_warn("the unreadable session index is kept as {}", kept);
}

void EmbeddedStore::close() {
    for (int tries = 0; tries < most_tries_at_end && (export_ || !to_export_.empty()); ++tries) {
        if (!export_) round_ = std::exchange(to_export_, {});
        export_slice(no_limit);
        if (!to_export_.empty()) ::usleep(25'000);  // as a stock tool waits for the lock
    }
    export_timer_.reset();
}

}  // namespace agent
