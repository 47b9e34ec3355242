#include "workers/telegram/offset_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>

#include "workers/common/base/fd.h"
#include "workers/common/base/file_beneath.h"
#include "workers/common/base/json.h"

namespace telegram {

namespace {

constexpr int version = 1;
constexpr size_t largest_file = 4096;

Error storage_error(const std::string& what, int error_number) {
    Error error = system_error(what, error_number);
    if (error_number == ENOSPC || error_number == EDQUOT || error_number == EROFS)
        error.fault = Fault::no_storage;
    return error;
}

// Whatever an account is called, its file is in the folder.
std::string file_name_of(const std::string& account) {
    std::string name;
    for (const char c : account)
        name += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ? c : '_';
    return "update-offset-" + name + ".json";
}

Done write_all(const Fd& file, const std::string& text, const std::string& path) {
    size_t written = 0;
    while (written < text.size()) {
        const ssize_t count = ::write(file.get(), text.data() + written, text.size() - written);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return storage_error("cannot write " + path, errno);
        written += static_cast<size_t>(count);
    }
    if (fdatasync(file.get()) != 0) return storage_error("cannot write " + path, errno);
    return {};
}

}  // namespace

OffsetFile::OffsetFile(std::string folder, const std::string& account, std::string bot_id)
    : folder_(std::move(folder)),
      path_(folder_ + "/" + file_name_of(account)),
      bot_id_(std::move(bot_id)) {}

std::optional<OffsetText> read_offset_text(const std::string& text) {
    const Result<Json> value = parse_json(text);
    if (!value || int_member(*value, "version") != version) return {};
    const Json& last = member(*value, "lastUpdateId");
    if (!last.is_number_integer()) return {};
    return OffsetText{last.get<int64_t>(), text_member(*value, "botId")};
}

std::optional<KeptOffset> OffsetFile::read(std::chrono::system_clock::time_point now) const {
    struct stat info {};
    if (stat(path_.c_str(), &info) != 0) return {};
    if (now - std::chrono::system_clock::from_time_t(info.st_mtime) > trusted_for) return {};
    const Result<std::string> text =
        read_file_beneath(folder_, path_.substr(folder_.size() + 1), largest_file);
    if (!text) return {};
    const std::optional<OffsetText> kept = read_offset_text(*text);
    if (!kept || (!kept->bot_id.empty() && kept->bot_id != bot_id_)) return {};
    return KeptOffset{kept->last_update, kept->bot_id.empty()};
}

Done OffsetFile::write(int64_t last_update) const {
    if (mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST)
        return storage_error("cannot make " + folder_, errno);
    const std::string text =
        print_json({{"version", version}, {"lastUpdateId", last_update}, {"botId", bot_id_}});
    const std::string temporary = path_ + ".tmp";
    const Fd file(
        open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return storage_error("cannot write " + temporary, errno);
    if (const Done written = write_all(file, text + "\n", temporary); !written) return written;
    if (rename(temporary.c_str(), path_.c_str()) != 0)
        return storage_error("cannot write " + path_, errno);
    return {};
}

std::string bot_id_of(const std::string& token) {
    const size_t colon = token.find(':');
    return colon == token.npos ? std::string() : token.substr(0, colon);
}

}  // namespace telegram
