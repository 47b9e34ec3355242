#include "workers/common/channel/media.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/base/storage.h"

namespace channel {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view partial_ending = ".part";
constexpr size_t beginning_bytes = 64;
constexpr mode_t passable = 0711;
constexpr mode_t readable = 0644;

std::string random_name() {
    unsigned char bytes[12];
    if (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) std::abort();
    std::string name;
    char digits[3];
    for (const unsigned char byte : bytes) {
        std::snprintf(digits, sizeof digits, "%02x", byte);
        name += digits;
    }
    return name;
}

// The state directory is there; each folder below it is this worker's own.
Done make_folder(const MediaPlace& place) {
    for (size_t end = 0; end != place.folder.npos;) {
        end = place.folder.find('/', end + 1);
        const std::string path = place.state_dir + "/" + place.folder.substr(0, end);
        if (mkdir(path.c_str(), passable) == 0) continue;
        if (errno != EEXIST) return storage_error("cannot make " + path, errno);
        (void)!chmod(path.c_str(), passable);  // the supervisor made it for its owner alone
    }
    return {};
}

struct Found {
    fs::path path;
    fs::file_time_type written;
    uint64_t size = 0;
};

std::vector<Found> files_of(const std::string& directory) {
    std::vector<Found> found;
    std::error_code failure;
    for (fs::directory_iterator entry(directory, failure), end; !failure && entry != end;
         entry.increment(failure)) {
        std::error_code unread;
        if (!entry->is_regular_file(unread) || entry->is_symlink(unread)) continue;
        const auto size = entry->file_size(unread);
        const auto written = entry->last_write_time(unread);
        if (!unread) found.push_back({entry->path(), written, size});
    }
    std::sort(found.begin(), found.end(),
              [](const Found& a, const Found& b) { return a.written < b.written; });
    return found;
}

void keep_within(const std::string& directory, uint64_t most) {
    const std::vector<Found> files = files_of(directory);
    uint64_t sum = 0;
    for (const Found& file : files) sum += file.size;
    for (const Found& file : files) {
        if (sum <= most) return;
        if (file.path.extension() == partial_ending) continue;
        std::error_code ignored;
        if (fs::remove(file.path, ignored)) sum -= file.size;
    }
}

}  // namespace

Result<MediaFile> MediaFile::create(const MediaPlace& place) {
    MediaFile made;
    made.directory_ = place.state_dir + "/" + place.folder;
    made.folder_ = place.folder;
    made.most_bytes_ = place.most_bytes;
    if (const Done folder = make_folder(place); !folder) return folder.error();
    const uint64_t room = std::max<uint64_t>(place.folder_bytes, place.most_bytes);
    keep_within(made.directory_, room - place.most_bytes);
    made.name_ = random_name();
    made.partial_ = made.directory_ + "/" + made.name_ + std::string(partial_ending);
    return made;
}

MediaFile::MediaFile(MediaFile&& other) noexcept {
    *this = std::move(other);
}

MediaFile& MediaFile::operator=(MediaFile&& other) noexcept {
    if (this == &other) return *this;
    discard();
    directory_ = std::move(other.directory_);
    folder_ = std::move(other.folder_);
    name_ = std::move(other.name_);
    partial_ = std::exchange(other.partial_, {});
    most_bytes_ = other.most_bytes_;
    return *this;
}

MediaFile::~MediaFile() {
    discard();
}

void MediaFile::discard() {
    if (!partial_.empty()) unlink(partial_.c_str());
    partial_.clear();
}

Result<StoredMedia> MediaFile::finish(std::string_view type_hint, std::string_view name_hint) {
    const Fd file(open(partial_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (!file || fstat(file.get(), &info) != 0)
        return storage_error("cannot read " + partial_, errno);
    const auto size = static_cast<uint64_t>(info.st_size);
    if (size > most_bytes_)
        return Error{Fault::out_of_room, "larger than " + size_text(most_bytes_)};
    char beginning[beginning_bytes];
    const ssize_t got = pread(file.get(), beginning, sizeof beginning, 0);
    std::string_view type;
    if (got > 0) type = sniffed_type({beginning, static_cast<size_t>(got)});
    if (type.empty()) type = type_hint;
    if (type.empty()) type = type_of_name(name_hint);
    if (type.empty()) type = "application/octet-stream";
    // What the agent is told of has to survive the machine as the message itself does.
    if (fchmod(file.get(), readable) != 0 || fdatasync(file.get()) != 0)
        return storage_error("cannot write " + partial_, errno);
    const std::string name = name_ + std::string(ending_of(type));
    const std::string path = directory_ + "/" + name;
    if (rename(partial_.c_str(), path.c_str()) != 0)
        return storage_error("cannot write " + path, errno);
    partial_.clear();
    return StoredMedia{folder_ + "/" + name, std::string(type), size};
}

void tidy_media(const MediaPlace& place, uint64_t most) {
    const std::string directory = place.state_dir + "/" + place.folder;
    for (const Found& file : files_of(directory)) {
        std::error_code ignored;
        if (file.path.extension() == partial_ending) fs::remove(file.path, ignored);
    }
    keep_within(directory, most);
}

std::string size_text(uint64_t bytes) {
    if (bytes >= 1u << 20) return std::to_string(bytes >> 20) + " MB";
    if (bytes >= 1u << 10) return std::to_string(bytes >> 10) + " KB";
    return std::to_string(bytes) + " bytes";
}

}  // namespace channel
