#include "workers/agent/attachments.h"

#include <algorithm>
#include <cstdint>

#include "workers/common/base/file_beneath.h"
#include "workers/common/log.h"

namespace agent {

namespace {

bool is_base64(std::string_view text) {
    const size_t padding = text.find('=');
    const std::string_view body = text.substr(0, padding);
    if (padding != std::string_view::npos &&
        (text.size() - padding > 2 || text.find_first_not_of('=', padding) != text.npos))
        return false;
    return std::all_of(body.begin(), body.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '+' || c == '/';
    });
}

struct Encoded {
    std::string mime_type;
    std::string data;
};

// Content is plain base64 or "data:image/png;base64,…"; a data URL's own type counts.
Encoded encoded(const Json& attachment) {
    Encoded found{text_member(attachment, "mimeType"), text_member(attachment, "content")};
    if (!found.data.starts_with("data:")) return found;
    const size_t comma = found.data.find(',');
    if (comma == std::string::npos) return {found.mime_type, ""};
    const std::string head = found.data.substr(5, comma - 5);
    const std::string type = head.substr(0, head.find(';'));
    if (!type.empty()) found.mime_type = type;
    found.data.erase(0, comma + 1);
    return found;
}

std::string name_of(const Json& attachment, size_t number) {
    const std::string given = text_member(attachment, "fileName");
    return given.empty() ? "attachment " + std::to_string(number) : "attachment " + given;
}

constexpr char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (size_t at = 0; at < bytes.size(); at += 3) {
        const size_t have = std::min<size_t>(3, bytes.size() - at);
        uint32_t group = 0;
        for (size_t i = 0; i < 3; ++i)
            group = group << 8 | (i < have ? static_cast<unsigned char>(bytes[at + i]) : 0u);
        for (size_t i = 0; i < 4; ++i)
            text += i <= have ? base64_digits[group >> (18 - 6 * i) & 63] : '=';
    }
    return text;
}

}  // namespace

Result<Json> image_of_file(const std::string& directory, const std::string& name,
                           const std::string& mime_type, size_t most_bytes) {
    const Result<std::string> bytes =
        read_file_beneath(directory, name, std::min(most_bytes, largest_attachment));
    if (!bytes) return bytes.error();
    return Json{{"type", "image"}, {"data", base64(*bytes)}, {"mimeType", mime_type}};
}

Result<Attached> read_attachments(const Json& attachments) {
    Attached blocks;
    if (!attachments.is_array()) return blocks;
    for (size_t i = 0; i < attachments.size(); ++i) {
        const std::string name = name_of(attachments[i], i + 1);
        Encoded found = encoded(attachments[i]);
        std::erase_if(found.data, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
        if (found.data.empty() || !is_base64(found.data))
            return Error{Fault::bad_message, name + ": content must be base64"};
        const bool is_document = found.mime_type == "application/pdf";
        const size_t most = is_document ? largest_document : largest_attachment;
        if (found.data.size() / 4 * 3 > most)
            return Error{Fault::bad_message,
                         name + " exceeds the limit of " + std::to_string(most) + " bytes"};
        if (is_document)
            blocks.documents.push_back(
                Json{{"type", "document"},
                     {"mimeType", found.mime_type},
                     {"fileName", text_member(attachments[i], "fileName", "document.pdf")},
                     {"data", std::move(found.data)}});
        else if (found.mime_type.starts_with("image/"))
            blocks.images.push_back(Json{
                {"type", "image"}, {"data", std::move(found.data)}, {"mimeType", found.mime_type}});
        else
            log_warn("{} was left out: a model can be shown images and PDF only", name);
    }
    return blocks;
}

}  // namespace agent
