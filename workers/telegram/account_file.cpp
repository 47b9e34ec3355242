#include "workers/telegram/account_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdio>

#include "workers/common/base/storage.h"

namespace telegram {

std::string account_file_name(const std::string& what, const std::string& account) {
    std::string name;
    for (const char c : account)
        name += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ? c : '_';
    return what + "-" + name + ".json";
}

Done write_account_file(const std::string& folder, const std::string& name, const std::string& text,
                        bool survives_power_loss) {
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        return storage_error("cannot make " + folder, errno);
    const std::string path = folder + "/" + name;
    const std::string temporary = path + ".tmp";
    const Fd file(
        open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return storage_error("cannot write " + temporary, errno);
    if (const Done written = write_all(file, text, temporary); !written) return written;
    if (survives_power_loss && fdatasync(file.get()) != 0)
        return storage_error("cannot write " + temporary, errno);
    if (rename(temporary.c_str(), path.c_str()) != 0)
        return storage_error("cannot write " + path, errno);
    return {};
}

}  // namespace telegram
