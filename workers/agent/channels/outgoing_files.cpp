#include "workers/agent/channels/outgoing_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "workers/agent/ids.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/file_beneath.h"

namespace agent {

namespace {

struct Kind {
    std::string_view ending;
    const char* mime_type;
};
constexpr Kind kinds[] = {
    {".png", "image/png"},         {".jpg", "image/jpeg"},      {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},         {".webp", "image/webp"},     {".mp3", "audio/mpeg"},
    {".ogg", "audio/ogg"},         {".opus", "audio/ogg"},      {".m4a", "audio/mp4"},
    {".wav", "audio/wav"},         {".mp4", "video/mp4"},       {".webm", "video/webm"},
    {".pdf", "application/pdf"},   {".txt", "text/plain"},      {".md", "text/markdown"},
    {".json", "application/json"}, {".zip", "application/zip"}, {".csv", "text/csv"},
};

std::string ending_of(const std::string& name) {
    const size_t dot = name.rfind('.');
    if (dot == std::string::npos || name.size() - dot > 8) return {};
    return lower_case(name.substr(dot));
}

const char* mime_type_of(const std::string& ending) {
    for (const Kind& kind : kinds)
        if (kind.ending == ending) return kind.mime_type;
    return "application/octet-stream";
}

// The name below the workspace; empty when it does not lie there.
std::string below(const std::string& workspace, std::string named) {
    constexpr std::string_view scheme = "file://";
    if (named.starts_with(scheme)) named.erase(0, scheme.size());
    if (named.starts_with("./")) named.erase(0, 2);
    if (!named.starts_with("/")) return named;
    const std::string prefix = workspace + (workspace.ends_with("/") ? "" : "/");
    return named.starts_with(prefix) ? named.substr(prefix.size()) : "";
}

}  // namespace

Done OutgoingFiles::write(const std::string& path, const std::string& bytes) {
    const std::string directory = state_dir_ + "/" + folder;
    // Others pass through to a file whose name they were told.
    const std::string outer = directory.substr(0, directory.rfind('/'));
    (void)!::chmod(outer.c_str(), 0711);
    if (::mkdir(directory.c_str(), 0711) != 0 && errno != EEXIST)
        return system_error("cannot create " + directory, errno);
    (void)!::chmod(directory.c_str(), 0711);
    const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!file) return system_error("cannot write " + path, errno);
    (void)!::fchmod(file.get(), 0644);
    size_t written = 0;
    while (written < bytes.size()) {
        const ssize_t count = ::write(file.get(), bytes.data() + written, bytes.size() - written);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_error("cannot write " + path, errno);
        written += static_cast<size_t>(count);
    }
    return ::fsync(file.get()) == 0 ? Done() : system_error("cannot sync " + path, errno);
}

Result<hardshell::proto::Attachment> OutgoingFiles::publish(const std::string& workspace,
                                                            const std::string& named) {
    const std::string name = below(workspace, named);
    if (name.empty())
        return Error{Fault::bad_message, named + " is not in the workspace " + workspace};
    const Result<std::string> bytes = read_file_beneath(workspace, name, largest);
    if (!bytes) return bytes.error();
    const std::string ending = ending_of(name);
    const std::string path =
        std::string(folder) + "/" + new_entry_id() + new_entry_id() + new_entry_id() + ending;
    if (const Done done = write(state_dir_ + "/" + path, *bytes); !done) return done.error();
    hardshell::proto::Attachment attachment;
    attachment.set_path(path);
    attachment.set_mime_type(mime_type_of(ending));
    attachment.set_file_name(name.substr(name.rfind('/') + 1));
    attachment.set_size(bytes->size());
    return attachment;
}

void OutgoingFiles::remove(const hardshell::proto::DeliverMessage& message) {
    for (const auto& file : message.attachments())
        if (file.path().starts_with(folder) && file.path().find("..") == std::string::npos)
            (void)::unlink((state_dir_ + "/" + file.path()).c_str());
}

void OutgoingFiles::tidy(int64_t now_ms) {
    const std::string directory = state_dir_ + "/" + folder;
    DIR* listing = ::opendir(directory.c_str());
    if (!listing) return;
    while (const dirent* entry = ::readdir(listing)) {
        struct stat info {};
        const std::string path = directory + "/" + entry->d_name;
        if (::lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
            now_ms - static_cast<int64_t>(info.st_mtime) * 1000 > keep_ms)
            (void)::unlink(path.c_str());
    }
    ::closedir(listing);
}

}  // namespace agent
