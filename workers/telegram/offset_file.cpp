#include "workers/telegram/offset_file.h"

#include <sys/stat.h>

#include "workers/common/base/file_beneath.h"
#include "workers/common/base/json.h"
#include "workers/telegram/account_file.h"

namespace telegram {

namespace {

constexpr int version = 1;
constexpr size_t largest_file = 4096;
constexpr const char* offset_name = "update-offset";

}  // namespace

OffsetFile::OffsetFile(std::string folder, const std::string& account, std::string bot_id)
    : folder_(std::move(folder)),
      path_(folder_ + "/" + account_file_name(offset_name, account)),
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
    const std::string text =
        print_json({{"version", version}, {"lastUpdateId", last_update}, {"botId", bot_id_}});
    return write_account_file(folder_, path_.substr(folder_.size() + 1), text + "\n", true);
}

std::string bot_id_of(const std::string& token) {
    const size_t colon = token.find(':');
    return colon == token.npos ? std::string() : token.substr(0, colon);
}

}  // namespace telegram
