#include "workers/common/base/file_beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace {

Fd open_beneath(int directory, const std::string& name) {
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    return Fd(static_cast<int>(::syscall(SYS_openat2, directory, name.c_str(), &how, sizeof how)));
}

}  // namespace

Result<FileBeneath> open_file_beneath(const std::string& directory, const std::string& name) {
    const Fd place(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!place) return system_error("cannot open " + directory, errno);
    if (name.empty() || name.find('\0') != std::string::npos)
        return Error{Fault::bad_message, "no file name"};
    Fd file = open_beneath(place.get(), name);
    if (!file) return Error{Fault::bad_message, "no file " + name + " below " + directory, errno};
    struct stat status {};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
        return Error{Fault::bad_message, name + " below " + directory + " is no file"};
    return FileBeneath{std::move(file), static_cast<uint64_t>(status.st_size)};
}

Result<std::string> read_file_beneath(const std::string& directory, const std::string& name,
                                      size_t most) {
    const Result<FileBeneath> open = open_file_beneath(directory, name);
    if (!open) return open.error();
    if (open->size > most)
        return Error{Fault::bad_message,
                     name + " is larger than " + std::to_string(most) + " bytes"};
    std::string content(open->size, '\0');
    size_t have = 0;
    while (have < content.size()) {
        const ssize_t got = ::read(open->file.get(), content.data() + have, content.size() - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error("cannot read " + name, errno);
        if (got == 0) break;  // cut meanwhile
        have += static_cast<size_t>(got);
    }
    content.resize(have);
    return content;
}
