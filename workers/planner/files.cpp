#include "workers/planner/files.h"

#include <fcntl.h>
#include <sodium/crypto_hash_sha256.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "workers/common/base/fd.h"

namespace planner {

namespace {

std::vector<FileRead> looked_at;
bool all_can_be_told = true;

void note(const std::string& path, const FileState& state) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const bool can_be_told =
        path.starts_with("/") && state.is_settled(now.tv_sec * 1'000'000'000 + now.tv_nsec);
    all_can_be_told = all_can_be_told && can_be_told;
    looked_at.push_back({path, state});
}

Done write_all(int descriptor, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        const ssize_t count = ::write(descriptor, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_error("writing " + path, errno);
        text.remove_prefix(static_cast<size_t>(count));
    }
    return {};
}

Done write_new_file(const std::string& path, std::string_view text, Durable durable) {
    ::unlink(path.c_str());  // left by a planner that was killed
    Fd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file) return system_error("creating " + path, errno);
    if (Done written = write_all(file.get(), text, path); !written) return written;
    if (durable == Durable::yes && ::fsync(file.get()) != 0)
        return system_error("writing " + path + " to the disk", errno);
    return {};
}

void sync_directory(const std::string& path) {
    const Fd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    // Some file systems refuse to sync a directory; the file itself is safe.
    if (directory) ::fsync(directory.get());
}

}  // namespace

Result<std::string> read_file(const std::string& path, size_t largest) {
    const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    const int refusal = file ? 0 : errno;
    if (refusal == ENOENT)
        note(path, {});
    else if (refusal != 0)
        all_can_be_told = false;
    if (refusal == EACCES)
        return Error{Fault::bad_config,
                     path + " may not be read by the planner, which has a user of its own: chown " +
                         std::to_string(::geteuid()) + " " + path + " (or chmod a+r)",
                     EACCES};
    if (!file) return system_error("reading " + path, refusal);
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return system_error("reading " + path, errno);
    note(path, FileState::of(info));
    if (!S_ISREG(info.st_mode)) return Error{Fault::bad_config, path + " is not a regular file"};
    std::string text;
    char buffer[16384];
    for (;;) {
        const ssize_t count = ::read(file.get(), buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_error("reading " + path, errno);
        if (count == 0) return text;
        text.append(buffer, static_cast<size_t>(count));
        if (text.size() > largest)
            return Error{Fault::bad_config,
                         path + " is larger than " + std::to_string(largest / 1024) + " KiB"};
    }
}

std::optional<std::vector<FileRead>> files_read() {
    if (!all_can_be_told) return {};
    return looked_at;
}

void forget_files_read() {
    looked_at.clear();
    all_can_be_told = true;
}

Done write_file(const std::string& path, std::string_view text, Durable durable) {
    const std::string target = link_target(path);
    const std::string beside = target + ".hardshell-new";
    Done written = write_new_file(beside, text, durable);
    if (written && ::rename(beside.c_str(), target.c_str()) != 0)
        written = system_error("renaming " + beside + " to " + target, errno);
    if (!written) ::unlink(beside.c_str());
    if (written && durable == Durable::yes) sync_directory(directory_of(target));
    return written;
}

Done make_directories(const std::string& path) {
    for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        const std::string part = path.substr(0, slash);
        if (!part.empty() && ::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
            return system_error("creating the directory " + part, errno);
        if (slash == std::string::npos) return {};
    }
}

std::string directory_of(const std::string& path) {
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) return "";
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::string normal_path(const std::string& directory, const std::string& path) {
    const std::string whole = !path.empty() && path[0] == '/' ? path : directory + "/" + path;
    std::vector<std::string> parts;
    for (size_t start = 0; start <= whole.size();) {
        const size_t slash = std::min(whole.find('/', start), whole.size());
        const std::string part = whole.substr(start, slash - start);
        start = slash + 1;
        if (part == ".." && !parts.empty()) parts.pop_back();
        if (!part.empty() && part != "." && part != "..") parts.push_back(part);
    }
    std::string normal;
    for (const std::string& part : parts) normal += "/" + part;
    return normal.empty() ? "/" : normal;
}

std::string link_target(const std::string& path) {
    char resolved[PATH_MAX];
    return ::realpath(path.c_str(), resolved) ? resolved : path;
}

std::string sha256_hex(std::string_view text) {
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    for (const unsigned char byte : digest) {
        hex += digits[byte >> 4];
        hex += digits[byte & 15];
    }
    return hex;
}

}  // namespace planner
