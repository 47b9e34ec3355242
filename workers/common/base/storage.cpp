#include "workers/common/base/storage.h"

#include <unistd.h>

#include <cerrno>

Error storage_error(const std::string& what, int error_number) {
    Error error = system_error(what, error_number);
    if (error_number == ENOSPC || error_number == EDQUOT || error_number == EROFS)
        error.fault = Fault::no_storage;
    return error;
}

Done write_all(const Fd& file, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        const ssize_t count = ::write(file.get(), text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return storage_error("cannot write " + path, errno);
        text.remove_prefix(static_cast<size_t>(count));
    }
    return {};
}
