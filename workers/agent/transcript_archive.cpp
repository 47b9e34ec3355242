#include "workers/agent/transcript_archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "workers/agent/transcript_file.h"
#include "workers/common/base/clock.h"

namespace agent {

namespace {

constexpr uint64_t block = 64u << 10;

bool exists(const std::string& path) {
    struct stat facts {};
    return ::lstat(path.c_str(), &facts) == 0;
}

// The end of the first line, its line break included.
Result<uint64_t> header_end(int descriptor, uint64_t size) {
    for (uint64_t at = 0; at < size; at += block) {
        const Result<std::string> bytes = read_at(descriptor, at, block);
        if (!bytes) return bytes.error();
        if (const size_t line_break = bytes->find('\n'); line_break != std::string::npos)
            return at + line_break + 1;
    }
    return size;
}

Done copy_range(int from, uint64_t begin, uint64_t end, int to, const std::string& path) {
    for (uint64_t at = begin; at < end; at += block) {
        const Result<std::string> bytes = read_at(from, at, std::min<uint64_t>(block, end - at));
        if (!bytes) return bytes.error();
        if (const Done done = write_all(to, *bytes, path); !done) return done;
    }
    return {};
}

Done write_kept(const Fd& from, const OpenedTranscript& opened, uint64_t first_kept,
                const std::string& path) {
    const Fd to(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!to) return system_error("cannot create " + path, errno);
    if (opened.index.has_header()) {
        const Result<uint64_t> end = header_end(from.get(), opened.size);
        if (!end) return end.error();
        if (const Done done = copy_range(from.get(), 0, *end, to.get(), path); !done) return done;
    }
    if (const Done done = copy_range(from.get(), first_kept, opened.size, to.get(), path); !done)
        return done;
    if (::fdatasync(to.get()) != 0) return system_error("cannot write " + path, errno);
    return {};
}

// A second name first, then the replacement: a crash in between leaves the whole file.
Done replace_keeping(const std::string& path, const std::string& replacement,
                     const std::string& archive) {
    if (::link(path.c_str(), archive.c_str()) != 0)
        return system_error("cannot keep " + path + " as " + archive, errno);
    if (::rename(replacement.c_str(), path.c_str()) == 0) return sync_directory(path);
    const int reason = errno;
    ::unlink(archive.c_str());
    return system_error("cannot replace " + path, reason);
}

Done write_fork(int source, const std::vector<const TranscriptLine*>& branch,
                const std::string& from, const std::string& path, const ForkedAs& as) {
    const Fd to(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!to) return system_error("cannot create " + path, errno);
    Result<Json> header = parse_json(header_line(as.session_id, as.now_ms, as.directory));
    if (!header) return header.error();
    (*header)["parentSession"] = from;
    std::string text = print_json(*header) + "\n";
    for (const TranscriptLine* line : branch) {
        Json entry = read_entry(source, *line);
        if (!entry.is_object()) continue;
        entry["id"] = line->id;
        entry["parentId"] = line->parent.empty() ? Json() : Json(line->parent);
        text += print_json(entry) + "\n";
        if (text.size() < block) continue;
        if (const Done done = write_all(to.get(), text, path); !done) return done;
        text.clear();
    }
    if (const Done done = write_all(to.get(), text, path); !done) return done;
    if (::fdatasync(to.get()) != 0) return system_error("cannot write " + path, errno);
    return {};
}

}  // namespace

std::string archive_name(const std::string& path, const char* why, int64_t now_ms) {
    std::string time = iso_time(now_ms);
    std::replace(time.begin(), time.end(), ':', '-');
    const std::string name = path + "." + why + "." + time;
    std::string free = name;
    for (int next = 2; exists(free); ++next) free = name + "-" + std::to_string(next);
    return free;
}

Result<std::string> put_aside(const std::string& path, const char* why, int64_t now_ms) {
    if (!exists(path)) return std::string();
    const std::string name = archive_name(path, why, now_ms);
    if (::rename(path.c_str(), name.c_str()) != 0)
        return system_error("cannot rename " + path, errno);
    if (const Done done = sync_directory(path); !done) return done.error();
    return name;
}

Result<KeptLines> keep_last_lines(const std::string& path, size_t most, int64_t now_ms) {
    KeptLines result;
    if (!exists(path)) return result;
    result.has_file = true;
    const Result<OpenedTranscript> opened = open_transcript(path, now_ms);
    if (!opened) return opened.error();
    const std::vector<TranscriptLine>& lines = opened->index.lines();
    result.kept = std::min(most, lines.size());
    if (result.kept == lines.size()) return result;
    const Result<Fd> from = open_regular(path, O_RDONLY);
    if (!from) return from.error();
    const std::string replacement = path + ".hardshell-new";
    const std::string archive = archive_name(path, "bak", now_ms);
    Done done = write_kept(*from, *opened, lines[lines.size() - result.kept].offset, replacement);
    if (done) done = replace_keeping(path, replacement, archive);
    if (!done) {
        ::unlink(replacement.c_str());
        return done.error();
    }
    result.archived = archive;
    return result;
}

Result<bool> fork_transcript(const std::string& from, const std::string& to, const ForkedAs& as) {
    if (!exists(from)) return false;
    const Result<OpenedTranscript> opened = open_transcript(from, as.now_ms);
    if (!opened) return opened.error();
    const std::vector<const TranscriptLine*> branch = opened->index.branch();
    if (branch.empty()) return false;
    const Result<Fd> source = open_regular(from, O_RDONLY);
    if (!source) return source.error();
    const std::string fresh = to + ".hardshell-new";
    Done done = write_fork(source->get(), branch, from, fresh, as);
    if (done && ::rename(fresh.c_str(), to.c_str()) != 0)
        done = system_error("cannot create " + to, errno);
    if (done) done = sync_directory(to);
    if (done) return true;
    ::unlink(fresh.c_str());
    return done.error();
}

}  // namespace agent
