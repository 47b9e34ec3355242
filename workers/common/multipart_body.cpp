#include <sys/random.h>
#include <sys/stat.h>

#include "workers/common/https_client.h"

namespace {

std::string make_boundary() {
    unsigned char random[16] = {};
    if (getrandom(random, sizeof random, 0) != sizeof random) std::abort();
    std::string text = "hardshell-";
    for (const unsigned char byte : random) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

// As browsers have it: what would end the quotes or the line is percent-encoded.
std::string quoted(std::string_view text) {
    std::string made = "\"";
    for (const char c : text) {
        if (c == '"')
            made += "%22";
        else if (c == '\r')
            made += "%0D";
        else if (c == '\n')
            made += "%0A";
        else
            made += c;
    }
    return made + "\"";
}

}  // namespace

MultipartBody::MultipartBody() : boundary_(make_boundary()) {}

void MultipartBody::add_head(std::string_view name, std::string_view file_name,
                             std::string_view type) {
    std::string text = pieces_.empty() ? "--" : "\r\n--";
    text += boundary_ + "\r\nContent-Disposition: form-data; name=" + quoted(name);
    if (!file_name.empty()) text += "; filename=" + quoted(file_name);
    text += "\r\n";
    if (!type.empty() && type.find_first_of("\r\n") == std::string_view::npos)
        text += "Content-Type: " + std::string(type) + "\r\n";
    pieces_.push_back({text + "\r\n", {}, 0});
}

void MultipartBody::add_field(std::string_view name, std::string_view value,
                              std::string_view type) {
    add_head(name, {}, type);
    pieces_.back().bytes += value;
}

Done MultipartBody::add_file(std::string_view name, std::string_view file_name,
                             std::string_view type, const std::string& path) {
    struct stat about {};
    if (stat(path.c_str(), &about) != 0 || !S_ISREG(about.st_mode))
        return Error{Fault::no_storage, "there is no file " + path};
    add_head(name, file_name, type);
    if (about.st_size > 0) pieces_.push_back({{}, path, static_cast<uint64_t>(about.st_size)});
    return {};
}

std::string MultipartBody::content_type() const {
    return "multipart/form-data; boundary=" + boundary_;
}

std::vector<BodyPiece> MultipartBody::finish() {
    pieces_.push_back({(pieces_.empty() ? "--" : "\r\n--") + boundary_ + "--\r\n", {}, 0});
    return std::move(pieces_);
}
