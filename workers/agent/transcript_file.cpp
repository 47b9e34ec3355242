#include "workers/agent/transcript_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "workers/common/base/clock.h"
#include "workers/common/base/fd.h"

namespace agent {

namespace {

constexpr size_t block_bytes = 64u << 10;

Error write_error(const std::string& path, int error_number) {
    Error error = system_error("cannot write " + path, error_number);
    for (const int storage : {ENOSPC, EDQUOT, EFBIG, EROFS, EIO})
        if (error_number == storage) error.fault = Fault::no_storage;
    return error;
}

std::string parent_directory(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}

// "<path>.torn-2026-01-30T10-00-00.000Z"
std::string torn_name(const std::string& path, int64_t now_ms) {
    std::string time = iso_time(now_ms);
    std::replace(time.begin(), time.end(), ':', '-');
    return path + ".torn-" + time;
}

Result<std::string> keep_copy(int descriptor, uint64_t size, const std::string& path,
                              int64_t now_ms) {
    const std::string name = torn_name(path, now_ms);
    const Fd copy(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!copy) return system_error("cannot create " + name, errno);
    for (uint64_t offset = 0; offset < size; offset += block_bytes) {
        const Result<std::string> bytes = read_at(descriptor, offset, block_bytes);
        if (!bytes) return bytes.error();
        if (const Done done = write_all(copy.get(), *bytes, name); !done) {
            ::unlink(name.c_str());
            return done.error();
        }
    }
    if (::fdatasync(copy.get()) != 0) return system_error("cannot write " + name, errno);
    return name;
}

Done index_file(int descriptor, OpenedTranscript& opened) {
    while (true) {
        const Result<std::string> bytes = read_at(descriptor, opened.size, block_bytes);
        if (!bytes) return bytes.error();
        opened.index.feed(*bytes);
        opened.size += bytes->size();
        if (bytes->size() < block_bytes) break;
    }
    opened.index.finish();
    return {};
}

Done cut_torn_end(int descriptor, const std::string& path, OpenedTranscript& opened,
                  int64_t now_ms) {
    if (opened.index.good_end() < opened.size) {
        const Result<std::string> copy = keep_copy(descriptor, opened.size, path, now_ms);
        if (!copy) return copy.error();
        opened.torn_copy = *copy;
        if (::ftruncate(descriptor, static_cast<off_t>(opened.index.good_end())) != 0)
            return system_error("cannot repair " + path, errno);
        opened.size = opened.index.good_end();
    }
    if (!opened.index.needs_line_break()) return {};
    if (::lseek(descriptor, 0, SEEK_END) < 0) return system_error("cannot repair " + path, errno);
    if (const Done done = write_all(descriptor, "\n", path); !done) return done;
    ++opened.size;
    return {};
}

}  // namespace

Done write_all(int descriptor, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return write_error(path, errno);
        if (written == 0) return write_error(path, ENOSPC);
        bytes.remove_prefix(static_cast<size_t>(written));
    }
    return {};
}

Result<std::string> read_at(int descriptor, uint64_t offset, size_t size) {
    std::string bytes(size, '\0');
    size_t have = 0;
    while (have < size) {
        const ssize_t got = ::pread(descriptor, bytes.data() + have, size - have,
                                    static_cast<off_t>(offset + have));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error("cannot read a transcript", errno);
        if (got == 0) break;
        have += static_cast<size_t>(got);
    }
    bytes.resize(have);
    return bytes;
}

Done sync_file(const std::string& path) {
    const Result<Fd> file = open_regular(path, O_RDONLY);
    if (!file && file.error().sys == ENOENT) return {};
    if (!file) return file.error();
    if (::fdatasync(file->get()) != 0) return write_error(path, errno);
    return {};
}

Done sync_directory(const std::string& path) {
    const Fd directory(::open(parent_directory(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.get()) != 0)
        return system_error("cannot sync the directory of " + path, errno);
    return {};
}

uint64_t file_size(const std::string& path) {
    struct stat facts {};
    return ::stat(path.c_str(), &facts) == 0 ? static_cast<uint64_t>(facts.st_size) : 0;
}

Result<Fd> open_regular(const std::string& path, int flags) {
    Fd file(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0600));
    if (!file) return system_error("cannot open " + path, errno);
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0) return system_error("cannot read " + path, errno);
    if (!S_ISREG(facts.st_mode))
        return Error{Fault::system, path + " is no regular file; move it away", EINVAL};
    return file;
}

Result<OpenedTranscript> open_transcript(const std::string& path, int64_t now_ms) {
    OpenedTranscript opened;
    const Result<Fd> file = open_regular(path, O_RDWR);
    if (!file && file.error().sys == ENOENT) return opened;
    if (!file) return file.error();
    if (const Done done = index_file(file->get(), opened); !done) return done.error();
    if (const Done done = cut_torn_end(file->get(), path, opened, now_ms); !done)
        return done.error();
    return opened;
}

Json read_entry(int descriptor, const TranscriptLine& line) {
    const Result<std::string> bytes = read_at(descriptor, line.offset, line.size);
    if (!bytes) return nullptr;
    Result<Json> entry = parse_json(*bytes);
    return entry ? std::move(*entry) : Json();
}

Result<std::vector<Json>> read_shown(const std::string& path, const TranscriptIndex& index) {
    std::vector<Json> messages;
    if (index.lines().empty()) return messages;
    const Result<Fd> file = open_regular(path, O_RDONLY);
    if (!file) return file.error();
    for (const TranscriptLine* line : index.shown()) {
        Json message = shown_message(read_entry(file->get(), *line));
        if (!message.is_null()) messages.push_back(std::move(message));
    }
    repair_pairs(messages);
    return messages;
}

Done append_lines(const std::string& path, uint64_t expected_size, std::string_view lines,
                  bool durable) {
    const int create = expected_size == 0 ? O_CREAT : 0;
    const Fd file(
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | create, 0600));
    if (!file) return write_error(path, errno);
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0) return system_error("cannot read " + path, errno);
    if (static_cast<uint64_t>(facts.st_size) != expected_size)
        return Error{Fault::busy, path + " was written to by another program"};
    Done done = write_all(file.get(), lines, path);
    if (done && durable && ::fdatasync(file.get()) != 0) done = write_error(path, errno);
    if (!done) {
        // Half a line is worse than none. Should this fail too, the next opening repairs it.
        if (::ftruncate(file.get(), static_cast<off_t>(expected_size)) != 0) return done;
        if (expected_size == 0) ::unlink(path.c_str());
        return done;
    }
    return expected_size == 0 && durable ? sync_directory(path) : done;
}

Done read_backwards(const std::string& path,
                    const std::function<bool(std::string_view line)>& wanted) {
    const Result<Fd> file = open_regular(path, O_RDONLY);
    if (!file && file.error().sys == ENOENT) return {};
    if (!file) return file.error();
    uint64_t position = file_size(path);
    std::string held;  // the beginning of a line whose start is not read yet
    size_t step = block_bytes;
    while (position > 0) {
        const size_t size = static_cast<size_t>(std::min<uint64_t>(step, position));
        Result<std::string> bytes = read_at(file->get(), position - size, size);
        if (!bytes) return bytes.error();
        position -= size;
        held.insert(0, *bytes);
        const size_t before = held.size();
        while (true) {
            const size_t line_break = held.rfind('\n');
            if (line_break == std::string::npos) break;
            if (line_break + 1 < held.size() &&
                !wanted(std::string_view(held).substr(line_break + 1)))
                return {};
            held.resize(line_break);
        }
        // A line longer than a block is fetched in growing steps: inserting at the front is linear.
        step = held.size() == before ? std::min<size_t>(step * 2, 8u << 20) : block_bytes;
        if (held.size() > longest_transcript_line) return {};
    }
    if (!held.empty()) wanted(held);
    return {};
}

}  // namespace agent
