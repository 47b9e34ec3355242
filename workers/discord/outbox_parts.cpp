#include "workers/discord/outbox_parts.h"

#include <openssl/evp.h>

#include "workers/common/channel/chunking.h"
#include "workers/common/channel/measure.h"

namespace discord {

namespace {

constexpr int suppress_notifications = 1 << 12;
constexpr size_t longest_thread_name = 80;
constexpr size_t nonce_bytes = 12;  // as hex below Discord's 25 characters

std::string_view trimmed(std::string_view line) {
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r'))
        line.remove_suffix(1);
    return line;
}

bool is_row(std::string_view line) {
    line = trimmed(line);
    return line.size() > 1 && line.front() == '|' && line.find('|', 1) != std::string_view::npos;
}

// "|---|:--:|": what makes the line above it a head.
bool is_rule(std::string_view line) {
    return is_row(line) && line.find('-') != std::string_view::npos &&
           trimmed(line).find_first_not_of("|-: ") == std::string_view::npos;
}

bool opens_fence(std::string_view line) {
    line = trimmed(line);
    return line.starts_with("```") || line.starts_with("~~~");
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (true) {
        const size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return lines;
        text.remove_prefix(end + 1);
    }
}

}  // namespace

std::string tables_as_code(std::string_view text) {
    if (text.find('|') == std::string_view::npos) return std::string(text);
    const std::vector<std::string_view> lines = lines_of(text);
    std::string made;
    bool in_fence = false, in_table = false;
    for (size_t i = 0; i < lines.size(); ++i) {
        if (opens_fence(lines[i])) in_fence = !in_fence;
        const bool begins = !in_fence && !in_table && is_row(lines[i]) && i + 1 < lines.size() &&
                            is_rule(lines[i + 1]);
        if (begins) made += "```\n";
        if (in_table && !is_row(lines[i])) made += "```\n";
        in_table = begins || (in_table && is_row(lines[i]));
        made += lines[i];
        if (i + 1 < lines.size()) made += '\n';
    }
    if (in_table) made += made.ends_with('\n') ? "```" : "\n```";
    return made;
}

std::vector<Part> parts_of(const hardshell::proto::DeliverMessage& message,
                           const Settings& settings) {
    const std::string text =
        settings.tables_as_code ? tables_as_code(message.text()) : message.text();
    ChunkLimits limits;
    limits.characters = settings.text_chunk_limit;
    limits.lines = settings.lines_per_message;
    limits.mode = settings.chunk_by_paragraph ? ChunkMode::newline : ChunkMode::length;
    std::vector<Part> parts;
    for (std::string& piece : chunk_text(text, limits)) parts.push_back({std::move(piece), {}});
    for (int i = 0; i < message.attachments_size(); ++i) {
        if (i == 0 && !parts.empty())
            parts.front().file = message.attachments(i);
        else
            parts.push_back({{}, message.attachments(i)});
    }
    return parts;
}

std::string nonce_of(std::string_view delivery_id, uint32_t part) {
    const std::string text = std::string(delivery_id) + "#" + std::to_string(part);
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha256(), nullptr);
    std::string nonce;
    for (size_t i = 0; i < nonce_bytes; ++i) {
        nonce += "0123456789abcdef"[digest[i] >> 4];
        nonce += "0123456789abcdef"[digest[i] & 15];
    }
    return nonce;
}

std::string thread_name(std::string_view text, const std::string& fallback) {
    std::string name;
    for (const char c : text) {
        const bool is_blank = static_cast<unsigned char>(c) <= ' ';
        if (is_blank && (name.empty() || name.back() == ' ')) continue;
        name += is_blank ? ' ' : c;
    }
    name.resize(bytes_within(name, longest_thread_name, Measure::bytes));
    while (name.ends_with(' ')) name.pop_back();
    return name.empty() ? fallback : name;
}

Json allowed_mentions() {
    return {{"parse", {"users"}}, {"replied_user", false}};
}

Json body_of(const Part& part, const std::string& nonce, const std::string& reply_to, bool silent) {
    Json body = {{"content", part.text},
                 {"nonce", nonce},
                 {"enforce_nonce", true},
                 {"allowed_mentions", allowed_mentions()}};
    if (!reply_to.empty())
        body["message_reference"] = {{"message_id", reply_to}, {"fail_if_not_exists", false}};
    if (silent) body["flags"] = suppress_notifications;
    if (part.file) body["attachments"] = {{{"id", 0}, {"filename", part.file->file_name()}}};
    return body;
}

}  // namespace discord
